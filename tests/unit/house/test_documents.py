"""Documents say what is there: links, tests, commands, targets and parameters that they name exist."""

import ast
import re
import shlex
from pathlib import Path
from types import ModuleType

import click
import pytest

from scripts import deploy, verify
from scripts.docs import parameters
from stun.chains.evm.artifacts import ROOT
from stun.cli.main import main as command

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
NAMED = [path.relative_to(ROOT).as_posix() for path in PAGES]
_LINK = re.compile(r"\[[^\]]+\]\(([^)#]+)(?:#[^)]*)?\)")
_TEST = re.compile(r"`((?:tests/)?[\w/]*test_\w+\.py)(?:::(\w+))?`")
_TARGET = re.compile(r"make ([a-z][a-z-]*)")
_FILE = re.compile(r"`((?:stun|keepers|sdk|scripts|contracts|tests|demo|requirements|docs)/[\w./-]+\.\w+)`")
_INVARIANTS = [f"I-{number}" for number in range(1, 18)]


def _text(page: str) -> str:
    return (ROOT / page).read_text()


def _functions(path: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)} | {
        node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.AsyncFunctionDef)
    }


def _commands(page: str) -> list[list[str]]:
    """The lines of a page that call `stun`, comments cut off."""
    lines = (line.strip() for line in _text(page).splitlines() if line.startswith("    "))
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("stun ")]


@pytest.mark.parametrize("page", NAMED)
def test_links_lead_somewhere(page: str) -> None:
    links = [link for link in _LINK.findall(_text(page)) if "://" not in link]

    assert [link for link in links if not ((ROOT / page).parent / link).exists()] == []


@pytest.mark.parametrize("page", NAMED)
def test_named_files_exist(page: str) -> None:
    assert [name for name in _FILE.findall(_text(page)) if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", ["docs/INVARIANTS.md", "docs/THREATS.md"])
def test_named_tests_exist(page: str) -> None:
    named = _TEST.findall(_text(page))
    missing = []
    for file, function in named:
        path = ROOT / (file if file.startswith("tests/") else f"tests/integration/{file}")
        if not path.is_file() or (function and function not in _functions(path)):
            missing.append(f"{file}::{function}")

    assert missing == []
    assert len(named) > 10


def test_every_invariant_has_a_row() -> None:
    rows = re.findall(r"^\| (I-\d+) \|", _text("docs/INVARIANTS.md"), re.MULTILINE)

    assert rows == _INVARIANTS


@pytest.mark.parametrize("page", NAMED)
def test_make_targets_exist(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    code = re.findall(r"`([^`\n]+)`|^    (.+)$", _text(page), re.MULTILINE)
    named = {target for pair in code for part in pair for target in _TARGET.findall(part)}

    assert named <= targets


@pytest.mark.parametrize("page", [page for page in NAMED if _commands(page)])
def test_commands_and_their_options_exist(page: str) -> None:
    for words in _commands(page):
        group: click.Command = command
        options: set[str] = set()
        for word in words:
            options |= {name for option in group.params for name in (*option.opts, *option.secondary_opts)}
            if isinstance(group, click.Group) and word in group.commands:
                group = group.commands[word]
        options |= {name for option in group.params for name in option.opts}
        assert not isinstance(group, click.Group), words
        assert {word for word in words if word.startswith("--")} <= options | {"--help"}, words


@pytest.mark.parametrize("script", [deploy, verify])
def test_options_of_scripts_exist(script: ModuleType) -> None:
    lines = re.findall(rf"^    python -m {script.__name__} (.+)$", _text("docs/operator.md"), re.MULTILINE)
    options = {name for option in script.command.params for name in option.opts}

    assert lines
    assert {word for line in lines for word in line.split() if word.startswith("--")} <= options


def test_parameters_are_those_of_the_specification() -> None:
    assert parameters.PAGE.read_text() == parameters.page(parameters.PAGE.read_text()), (
        "run: python -m scripts.docs.parameters"
    )


def test_decisions_are_numbered_without_gaps_and_have_four_parts() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))

    assert [page.name[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    for page in pages:
        text = page.read_text()
        assert text.startswith(f"# {page.name[:4]}. ")
        assert all(f"**{part}.**" in text for part in ("Context", "Choice", "Rejected", "Consequence")), page.name


def test_licences_are_two() -> None:
    assert "Apache License" in _text("LICENSE")
    assert "GNU AFFERO GENERAL PUBLIC LICENSE" in _text("contracts/LICENSE")
    for path in (ROOT / "contracts").rglob("*.vy*"):
        assert "@license GNU Affero General Public License v3.0 only" in path.read_text(), path.name

"""The house's limits: files and functions small enough to read at once, each file named for its one concern.

What is larger stands below by name with its reason; an entry that is no longer needed fails too.
"""

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PYTHON_LINES = 300
CONTRACT_LINES = 400
MODULE_LINES = 250
FUNCTION_LINES = 40
NAMELESS = {"utils.py", "helpers.py", "common.py", "misc.py", "util.py", "helper.py"}

LARGE_FILES = {
    "contracts/Marketplace.vy": "the hot path keeps its checks inline, since a call within costs gas (decision 0004)",
    "contracts/Court.vy": "demands, answers and challenges share one store and one clock; proofs are apart",
    "contracts/interfaces/IMarketplace.vyi": "the whole ABI and its documentation, as the house wants it in one place",
    "tests/unit/provider/test_bidder.py": "every reason not to bid, beside the one offer that differs from it",
    "tests/integration/test_deployments.py": "one chain, altered in every way that verification has to find",
    "tests/integration/test_deploy_and_verify_commands.py": "both commands against one chain and its record",
}
LARGE_FUNCTIONS: dict[str, str] = {}


def _tracked(*suffixes: str) -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for path in listed.splitlines() if path.endswith(suffixes) and (ROOT / path).is_file()]


def _limit(path: str) -> int:
    if path.endswith(".py"):
        return PYTHON_LINES
    return CONTRACT_LINES if Path(path).stem[0].isupper() else MODULE_LINES


def _functions(path: str) -> dict[str, int]:
    """Lines of code of each function: without its docstring, blank lines and comments."""
    text = (ROOT / path).read_text()
    lines = text.splitlines()
    sizes = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
            body = lines[first.lineno - 1 : node.end_lineno]
            sizes[f"{path}::{node.name}"] = sum(1 for line in body if line.strip() and not line.strip().startswith("#"))
    return sizes


def test_files_are_within_the_house_limits() -> None:
    lines = {path: (ROOT / path).read_text().count("\n") for path in _tracked(".py", ".vy", ".vyi")}
    large = {path for path, count in lines.items() if count > _limit(path)}

    assert large == set(LARGE_FILES), {path: lines[path] for path in large ^ set(LARGE_FILES) if path in lines}


def test_functions_are_within_the_hard_limit() -> None:
    sizes = {name: size for path in _tracked(".py") for name, size in _functions(path).items()}
    large = {name for name, size in sizes.items() if size > FUNCTION_LINES}

    assert large == set(LARGE_FUNCTIONS), {name: sizes[name] for name in large ^ set(LARGE_FUNCTIONS) if name in sizes}


def test_files_are_named_for_their_concern() -> None:
    assert [path for path in _tracked(".py") if Path(path).name in NAMELESS] == []


@pytest.mark.parametrize("reasons", [LARGE_FILES, LARGE_FUNCTIONS])
def test_exceptions_give_a_reason(reasons: dict[str, str]) -> None:
    assert all(len(reason) > 20 for reason in reasons.values())

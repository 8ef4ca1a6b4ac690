"""Locks are whole: every package pinned with hashes, no registry named, and the environments agree with each other."""

import re
import tomllib

import pytest

from stun.chains.evm.artifacts import ROOT

LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
_PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+) \\$", re.MULTILINE)


def _pins(name: str) -> dict[str, str]:
    return dict(_PIN.findall((ROOT / "requirements" / f"{name}.txt").read_text()))


@pytest.mark.parametrize("name", [lock.stem for lock in LOCKS])
def test_every_package_is_pinned_with_its_hashes(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]

    assert blocks
    assert all(_PIN.match(block) and "--hash=sha256:" in block for block in blocks)
    assert "://" not in text


@pytest.mark.parametrize("name", [lock.stem for lock in LOCKS])
def test_every_lock_has_its_source(name: str) -> None:
    source = (ROOT / "requirements" / f"{name}.in").read_text()
    wanted = {re.split(r"[=<>\[;]", line)[0].strip().lower().replace("_", "-") for line in source.splitlines() if line}

    assert {word for word in wanted if word and not word.startswith("#")} <= set(_pins(name))


@pytest.mark.parametrize("larger", ["dev", "torch"])
def test_larger_environments_have_the_same_versions(larger: str) -> None:
    runtime, pins = _pins("dev" if larger == "torch" else "runtime"), _pins(larger)

    assert {name: pins[name] for name in runtime if name in pins and pins[name] != runtime[name]} == {}


def test_the_package_names_no_versions_of_its_own() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert {"dependencies", "optional-dependencies"} <= set(project["dynamic"])


def test_package_lock_names_no_registry() -> None:
    assert '"resolved"' not in (ROOT / "package-lock.json").read_text()

"""Artifacts: never stale, never half-written, named as the sources are."""

from pathlib import Path

import pytest

from stun.chains.evm.artifacts import ArtifactStore, CompilationFailed, ContractUnknown, compile_source, immutables_of
from tests.support.evm_counter import counter_store

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("artifacts")
    counter_store(made)
    return made


@pytest.fixture(scope="module")
def store(folder: Path) -> ArtifactStore:
    return ArtifactStore(folder / "contracts", folder / "cache")


def test_an_artifact_has_code_layout_and_interface(store: ArtifactStore) -> None:
    artifact = store.load("Counter")
    places = [(item.name, item.offset, item.length) for item in artifact.immutables]
    assert places == [("OWNER", 0, 32), ("HERE", 32, 32)]
    assert artifact.immutables_size == 64
    assert artifact.code_size == len(artifact.runtime_bytecode) + 64
    assert artifact.runtime_bytecode in artifact.deploy_bytecode
    assert artifact.interface.constructor == (("owner", "address"), ("_start", "uint256"))


def test_the_cache_is_used_when_nothing_changed(store: ArtifactStore, monkeypatch: pytest.MonkeyPatch) -> None:
    first = store.load("Counter")

    def refuse(*_: object) -> None:
        raise AssertionError("compiled again")

    monkeypatch.setattr("stun.chains.evm.artifacts.compile_source", refuse)
    assert store.load("Counter") == first


def test_a_changed_module_recompiles_its_importers(folder: Path, store: ArtifactStore) -> None:
    before = store.load("Counter")
    module = folder / "contracts" / "modules" / "limits.vy"
    old = module.read_text()
    module.write_text(old.replace("MOST: constant(uint256) = 100", "MOST: constant(uint256) = 300"))
    try:
        after = store.load("Counter")
    finally:
        module.write_text(old)
    assert after.source_hash != before.source_hash
    assert after.runtime_bytecode != before.runtime_bytecode
    assert store.load("Counter") == before


def test_sources_that_change_during_compilation_are_compiled_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ArtifactStore(folder / "contracts", folder / "cache-changing")
    module = folder / "contracts" / "modules" / "limits.vy"
    old = module.read_text()
    edits = [old + "\n# edited\n"]

    def compile_while_edited(*arguments: object) -> object:
        built = compile_source(*arguments)  # type: ignore[arg-type]
        if edits:
            module.write_text(edits.pop())
        return built

    monkeypatch.setattr("stun.chains.evm.artifacts.compile_source", compile_while_edited)
    try:
        assert store.load("Counter").source_hash == store.source_hash()
    finally:
        module.write_text(old)


def test_names_are_the_deployable_files_only(store: ArtifactStore) -> None:
    assert store.names() == ["Counter"]


@pytest.mark.parametrize("name", ["Missing", "limits", "../Counter", "modules/limits", "", "counter"])
def test_a_contract_that_does_not_exist_is_refused(store: ArtifactStore, name: str) -> None:
    with pytest.raises(ContractUnknown):
        store.load(name)


def test_a_compiler_error_names_the_contract(tmp_path: Path) -> None:
    (tmp_path / "Broken.vy").write_text("@external\ndef f(:\n")
    (tmp_path / "Other.vy").write_text("@external\ndef f(a: nothing):\n    pass\n")
    with pytest.raises(CompilationFailed, match=r"Broken|Other"):
        ArtifactStore(tmp_path, tmp_path / "cache").build()
    assert list((tmp_path / "cache").rglob("*.json")) == []


def test_an_artifact_file_of_other_sources_is_refused(folder: Path) -> None:
    store = ArtifactStore(folder / "contracts", folder / "cache-forged")
    store.load("Counter")
    (path,) = (folder / "cache-forged").rglob("Counter.json")
    path.write_text(path.read_text().replace(store.source_hash(), "00" * 32))
    with pytest.raises(CompilationFailed, match="delete it"):
        store.load("Counter")


def test_immutables_of_modules_are_named_by_their_module() -> None:
    layout = {
        "later": {"type": "uint256", "offset": 32, "length": 32},
        "domain": {"SELF": {"type": "address", "offset": 0, "length": 32}},
    }
    assert [item.name for item in immutables_of(layout)] == ["domain.SELF", "later"]

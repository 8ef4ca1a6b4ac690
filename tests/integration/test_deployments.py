"""Deploying, recording and comparing the record with the chain."""

import dataclasses
import json
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from stun.chains.evm.artifacts import ArtifactStore
from stun.chains.evm.deployments import (
    Called,
    Deployed,
    DeploymentFile,
    DeploymentInvalid,
    deploy,
    from_json,
    load,
    path_of,
    record,
    save,
    source_commit,
    to_json,
)
from stun.chains.evm.errors import Reverted
from stun.chains.evm.verification import Mismatch, inspect, verify
from tests.integration.conftest import Bench

pytestmark = pytest.mark.integration

_COMMIT = "12" * 20
_RESTART = bytes.fromhex("a1fbbb2a")


@pytest.fixture
def deployed(any_bench: Bench, counters: ArtifactStore) -> Deployed:
    arguments = (any_bench.keeper.address, 5)
    return deploy(any_bench.sender, any_bench.reader, "Counter", arguments, name="Tally", artifacts=counters)


@pytest.fixture
def file(any_bench: Bench, deployed: Deployed, counters: ArtifactStore) -> DeploymentFile:
    return record("local", any_bench.reader.chain_id, [deployed], _COMMIT, counters)


def _with(file: DeploymentFile, **changes: Any) -> DeploymentFile:
    return msgspec.structs.replace(
        file, contracts={"Tally": msgspec.structs.replace(file.contracts["Tally"], **changes)}
    )


def test_deploying_again_finds_what_was_deployed(any_bench: Bench, deployed: Deployed, counters: ArtifactStore) -> None:
    arguments = (any_bench.keeper.address, 5)
    again = deploy(any_bench.sender, any_bench.reader, "Counter", arguments, name="Tally", artifacts=counters)
    assert again == deployed
    other = deploy(any_bench.sender, any_bench.reader, "Counter", arguments, name="Second", artifacts=counters)
    assert other.address != deployed.address


def test_a_constructor_that_refuses_deploys_nothing(any_bench: Bench, tmp_path: Path) -> None:
    sources = tmp_path / "refusing"
    sources.mkdir()
    (sources / "Refusing.vy").write_text('@deploy\ndef __init__():\n    raise "refusing: always"\n')
    with pytest.raises(Reverted, match="refusing: always"):
        deploy(any_bench.sender, any_bench.reader, "Refusing", artifacts=ArtifactStore(sources, tmp_path / "c"))
    assert any_bench.reader.view().nonce(any_bench.keeper.address) == 0


def test_a_record_survives_the_file_and_matches_the_chain(
    any_bench: Bench, file: DeploymentFile, counters: ArtifactStore, tmp_path: Path
) -> None:
    path = path_of("local", file.chain_id, tmp_path)
    save(file, path)
    assert load(path) == file
    outcome = inspect(path, any_bench.reader, counters)
    assert (outcome.mismatches, outcome.unproven) == ((), ())
    assert outcome.agreed > 10
    assert json.loads(path.read_text())["contracts"]["Tally"]["arguments"]["_start"] == "5"


def test_a_node_that_forgot_the_creation_leaves_what_follows_from_no_argument_unproven(
    any_bench: Bench, file: DeploymentFile, counters: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(any_bench.reader, "content", lambda _: None)
    outcome = inspect(file, any_bench.reader, counters)
    assert outcome.mismatches == ()
    transaction = file.contracts["Tally"].transaction
    assert outcome.unproven == (
        f"Tally: the node does not have its creation's transaction {transaction}",
        "Tally: immutable HERE depends on more than the arguments",
    )


def test_another_chain_is_told_at_once(any_bench: Bench, file: DeploymentFile, counters: ArtifactStore) -> None:
    chain = any_bench.reader.chain_id
    assert verify(msgspec.structs.replace(file, chain_id=7), any_bench.reader, counters) == [
        Mismatch("", "chain id", "7", str(chain))
    ]


def test_an_address_without_code_is_told(any_bench: Bench, file: DeploymentFile, counters: ArtifactStore) -> None:
    changed = _with(file, address=any_bench.keeper.checksum_address)
    assert verify(changed, any_bench.reader, counters) == [Mismatch("Tally", "code", "present", "none")]


def _what(file: DeploymentFile, bench: Bench, artifacts: ArtifactStore) -> list[str]:
    return [mismatch.what for mismatch in verify(file, bench.reader, artifacts)]


def test_every_false_line_of_the_record_is_found(
    any_bench: Bench, file: DeploymentFile, counters: ArtifactStore
) -> None:
    owner = {"owner": "0x" + "11" * 20, "_start": "5"}
    start = {**file.contracts["Tally"].arguments, "_start": "6"}
    assert _what(_with(file, code_hash="0x" + "00" * 32), any_bench, counters) == ["code hash"]
    assert _what(_with(file, arguments=owner), any_bench, counters) == [
        "argument owner",
        "immutable OWNER",
        "owner()",
    ]
    assert _what(_with(file, arguments=start), any_bench, counters) == ["argument _start", "start()"]
    assert _what(_with(file, arguments={"owner": owner["owner"]}), any_bench, counters) == ["arguments"]
    assert _what(_with(file, arguments={**start, "_start": "six"}), any_bench, counters) == ["arguments"]
    assert _what(_with(file, contract="Missing"), any_bench, counters) == ["source"]
    assert _what(_with(file, block=7), any_bench, counters) == ["block"]


@pytest.mark.parametrize(
    "owner", ["0x", "0x" + "11" * 19, "0x" + "11" * 21, {"0": "1"}, None, 7, ["0x" + "11" * 20], "0x" + "zz" * 20]
)
def test_an_argument_that_no_constructor_takes_is_told(
    any_bench: Bench, file: DeploymentFile, counters: ArtifactStore, owner: Any
) -> None:
    changed = _with(file, arguments={"owner": owner, "_start": "5"})
    assert _what(changed, any_bench, counters) == ["arguments"]


def test_other_sources_than_the_chains_are_found(any_bench: Bench, file: DeploymentFile, tmp_path: Path) -> None:
    from tests.support.evm_counter import counter_store

    changed = counter_store(tmp_path / "changed")
    module = tmp_path / "changed" / "contracts" / "modules" / "limits.vy"
    module.write_text(module.read_text().replace("= 100", "= 101"))
    assert _what(file, any_bench, changed) == ["runtime code", "creation code"]


def test_a_state_that_moved_on_is_told_by_the_getter(
    any_bench: Bench, file: DeploymentFile, counters: ArtifactStore
) -> None:
    restart = counters.load("Counter").interface.function("restart").encode(9)
    any_bench.sender.wait(any_bench.sender.submit("restart", file.address("Tally"), restart))
    assert verify(file, any_bench.reader, counters) == [Mismatch("Tally", "start()", "5", "9")]


@pytest.fixture
def restarted(any_bench: Bench, deployed: Deployed, counters: ArtifactStore) -> DeploymentFile:
    """A record with one call behind the creation."""
    data = counters.load("Counter").interface.function("restart").encode(9)
    done = any_bench.sender.wait(any_bench.sender.submit("restart", deployed.address, data))
    assert done.block_number is not None
    assert done.landed is not None
    call = Called("Tally", "restart", (9,), done.block_number, done.landed)
    return record("local", any_bench.reader.chain_id, [deployed], _COMMIT, counters, [call])


def test_a_recorded_call_is_held_to_its_transaction(
    any_bench: Bench, restarted: DeploymentFile, deployed: Deployed, counters: ArtifactStore
) -> None:
    def what(**changes: Any) -> list[str]:
        calls = (msgspec.structs.replace(restarted.calls[0], **changes),)
        found = _what(msgspec.structs.replace(restarted, calls=calls), any_bench, counters)
        return [name for name in found if name != "start()"]

    assert restarted.calls[0].arguments == {"begin": "9"}
    assert what() == []
    assert what(arguments={"begin": "8"}) == ["restart() begin"]
    assert what(arguments={"end": "9"}) == ["restart()"]
    assert what(arguments={"begin": str(2**256)}) == ["restart()"]
    assert what(arguments={}) == ["restart()"]
    assert what(function="stop") == ["stop()"]
    assert what(function="count", arguments={"size": "9"}) == ["count() selector"]
    assert what(block=1) == ["restart() in block"]
    assert what(transaction="0x" + deployed.transaction.hex())[0] == "restart() was sent to"
    unknown = msgspec.structs.replace(restarted.calls[0], transaction="0x" + "77" * 32)
    outcome = inspect(msgspec.structs.replace(restarted, calls=(unknown,)), any_bench.reader, counters)
    assert outcome.unproven == (f"Tally: the node does not have the transaction of restart(), 0x{'77' * 32}",)


_GOOD: dict[str, Any] = {
    "format": 1,
    "network": "local",
    "chain_id": 7,
    "commit": _COMMIT,
    "contracts": {
        "Tally": {
            "contract": "Counter",
            "address": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
            "code_hash": "0x" + "00" * 32,
            "arguments": {},
            "block": 1,
            "transaction": "0x" + "00" * 32,
        }
    },
}
_TALLY = _GOOD["contracts"]["Tally"]
_CALL = {"contract": "Tally", "function": "restart", "arguments": {}, "block": 1, "transaction": "0x" + "00" * 32}


@pytest.mark.parametrize(
    "wrong",
    [
        {"format": 2},
        {"chain_id": 0},
        {"chain_id": "7"},
        {"chain_id": True},
        {"commit": "main"},
        {"network": "../x"},
        {"contracts": []},
        {"more": 1},
        {"contracts": {"Tally": {**_TALLY, "more": 1}}},
        {"contracts": {"Tally": {**_TALLY, "address": _TALLY["address"].lower()}}},
        {"contracts": {"Tally": {**_TALLY, "address": "0x00"}}},
        {"contracts": {"Tally": {**_TALLY, "block": -1}}},
        {"contracts": {"Tally": {**_TALLY, "code_hash": "0xAB"}}},
        {"contracts": {"../x": _TALLY}},
        {"contracts": {"Tally": _TALLY, "Twin": _TALLY}},
        {"contracts": {"Tally": {**_TALLY, "contract": "../X"}}},
        {"commit": "sources-" + "0" * 63},
        {"calls": [{**_CALL, "contract": "Other"}]},
        {"calls": [{**_CALL, "function": "a.b"}]},
        {"calls": [{**_CALL, "transaction": "0x"}]},
        {"calls": [{**_CALL, "block": -1}]},
        {"calls": [{**_CALL, "more": 1}]},
    ],
)
def test_a_file_off_the_schema_is_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    path = tmp_path / "7.json"
    path.write_text(json.dumps(_GOOD))
    assert load(path).chain_id == 7
    path.write_text(json.dumps({**_GOOD, **wrong}))
    with pytest.raises(DeploymentInvalid, match=r"7\.json"):
        load(path)


_DEEP = b'{"format": 1, "contracts": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@pytest.mark.parametrize("content", [b"", b"{", b"null", b"\xff\xfe", b"[]", _DEEP, b"1" * 2**23])
def test_a_file_that_is_no_record_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "7.json"
    path.write_bytes(content)
    with pytest.raises(DeploymentInvalid, match=r"7\.json"):
        load(path)
    with pytest.raises(DeploymentInvalid, match="cannot be read"):
        load(tmp_path / "missing.json")


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (2**256 - 1, "uint256"),
        (-5, "int128"),
        (True, "bool"),
        ("text", "string"),
        (b"\x11" * 20, "address"),
        (b"\x01\x02", "bytes"),
        (b"\x01" * 32, "bytes32"),
        ((1, 2), "uint256[2]"),
        (((1, b"\x11" * 20),), "(uint8,address)[]"),
    ],
)
def test_arguments_survive_the_file(value: Any, kind: str) -> None:
    assert from_json(json.loads(json.dumps(to_json(value, kind))), kind) == value


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (5, "uint256"),
        ("five", "uint256"),
        ("11", "address"),
        (5, "bytes"),
        ("0xzz", "bytes"),
        ("1", "uint256[]"),
        (["1"], "(uint256,bool)"),
        (None, "address"),
    ],
)
def test_arguments_off_their_type_are_refused(value: Any, kind: str) -> None:
    with pytest.raises(DeploymentInvalid):
        from_json(value, kind)


def test_unknown_names_are_refused(file: DeploymentFile, tmp_path: Path) -> None:
    with pytest.raises(DeploymentInvalid, match="no contract Other"):
        file.address("Other")
    with pytest.raises(DeploymentInvalid, match="no name"):
        path_of("../etc", 1, tmp_path)
    with pytest.raises(DeploymentInvalid):
        save(msgspec.structs.replace(file, commit="main"), tmp_path / "x.json")


def test_the_commit_of_the_sources_is_a_full_id() -> None:
    assert len(source_commit().removesuffix("-dirty")) == 40


def test_sources_outside_a_checkout_are_named_by_their_hash(tmp_path: Path, file: DeploymentFile) -> None:
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "Thing.vy").write_text("# nothing\n")
    named = source_commit(tmp_path)
    assert named == "sources-" + ArtifactStore(tmp_path / "contracts").source_hash()
    save(msgspec.structs.replace(file, commit=named), tmp_path / "7.json")
    assert load(tmp_path / "7.json").commit == named


def test_a_folder_in_somebody_elses_checkout_is_no_checkout(tmp_path: Path) -> None:
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", "x"], check=True)
    (tmp_path / "inner" / "contracts").mkdir(parents=True)
    assert len(source_commit(tmp_path)) == 40
    assert source_commit(tmp_path / "inner").startswith("sources-")


def test_deployed_records_do_not_change(deployed: Deployed) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        deployed.block = 0  # type: ignore[misc]

"""Servers are known by process and start time: a stranger with the number of one is never ended."""

import json
import os
import socket
import stat
from pathlib import Path

import pytest

from stun.chains.evm.nodes import NodeUnavailable
from stun.cli.devnet_servers import ServerRecord, read_servers, start_server, started_at, stop_servers
from stun.cli.devnet_setup import NAMES, named_keys, write_accounts

pytestmark = pytest.mark.unit


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_server_is_started_once_and_ended(tmp_path: Path) -> None:
    port = free_port()
    env = {"STUN_BLOBS_URL": str(tmp_path / "blobs"), "STUN_BLOBS_PORT": str(port)}
    first = start_server(tmp_path, "store", "stun.storage.server", port, env)
    try:
        again = start_server(tmp_path, "store", "stun.storage.server", port, env)
        assert again == first == read_servers(tmp_path)["store"]
        assert first.alive()
    finally:
        assert stop_servers(tmp_path) == ["store"]
    assert not first.alive()
    assert read_servers(tmp_path) == {}
    assert stop_servers(tmp_path) == []


def test_key_of_this_process_does_not_reach_servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUN_KEY", "11" * 32)
    port = free_port()
    env = {"STUN_BLOBS_URL": str(tmp_path / "blobs"), "STUN_BLOBS_PORT": str(port)}
    record = start_server(tmp_path, "store", "stun.storage.server", port, env)
    try:
        assert b"STUN_KEY" not in Path(f"/proc/{record.pid}/environ").read_bytes()
    finally:
        stop_servers(tmp_path)


def test_server_that_cannot_start_is_told_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(NodeUnavailable, match="No module named"):
        start_server(tmp_path, "store", "stun.no_such_module", free_port(), {})


def test_process_that_got_the_number_of_a_server_is_left_alone(tmp_path: Path) -> None:
    record = {"name": "pool", "pid": os.getpid(), "started": "1", "port": 1}
    (tmp_path / "servers.json").write_text(json.dumps({"pool": record}))

    assert not ServerRecord(**record).alive()  # type: ignore[arg-type]
    assert stop_servers(tmp_path) == []  # and this test goes on


def test_process_that_is_gone_has_no_start() -> None:
    assert started_at(os.getpid()) != ""
    assert started_at(2**22 + 1) == ""


@pytest.mark.parametrize("text", ["", "[]", '{"pool": 1}', '{"pool": {"pid": 1}}'])
def test_damaged_record_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "servers.json").write_text(text)

    with pytest.raises(NodeUnavailable, match="damaged"):
        read_servers(tmp_path)


def test_accounts_are_for_their_owner_and_warn(tmp_path: Path) -> None:
    path = write_accounts(tmp_path)
    path.chmod(0o644)
    path = write_accounts(tmp_path)

    document = json.loads(path.read_text())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "public knowledge" in document["warning"]
    assert tuple(document["accounts"]) == NAMES
    assert len(set(named_keys().values())) == len(NAMES)
    assert document["accounts"]["deployer"]["address"] == "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"

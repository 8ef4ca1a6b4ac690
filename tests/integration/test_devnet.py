"""The detached devnet: started once, kept across restarts, ended by its own process id only."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from stun.chains.evm import devnet
from stun.chains.evm.endpoint import connect
from stun.chains.evm.nodes import NodeUnavailable, anvil, anvil_binary, funded_accounts
from stun.chains.evm.rpc import ChainReader
from tests.integration.conftest import Bench

pytestmark = pytest.mark.integration


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    try:
        anvil_binary()
    except NodeUnavailable as error:
        pytest.skip(str(error))
    yield tmp_path / "devnet"
    devnet.stop(tmp_path / "devnet")


def test_a_devnet_goes_on_where_it_stopped(folder: Path) -> None:
    started = devnet.start(folder, chain_id=4242)
    assert devnet.start(folder) == started
    assert devnet.status(folder) == started
    w3 = connect(started.url).w3
    account = funded_accounts(1)[0]
    w3.provider.make_request("anvil_setStorageAt", [account.checksum_address, hex(1), "0x" + "07" * 32])  # type: ignore[arg-type]
    w3.provider.make_request("anvil_mine", ["0x5"])  # type: ignore[arg-type]
    assert devnet.stop(folder) is True
    assert devnet.stop(folder) is False
    assert devnet.status(folder) is None
    again = devnet.start(folder, chain_id=4242)
    assert again.pid != started.pid
    view = ChainReader([connect(again.url)]).view()
    assert view.block.number == 5
    assert view.balance(account.address) == 10_000 * 10**18
    assert bytes(connect(again.url).w3.eth.get_storage_at(account.checksum_address, 1)) == b"\x07" * 32  # type: ignore[arg-type]


def test_a_process_that_got_the_number_later_is_left_alone(folder: Path) -> None:
    folder.mkdir()
    (folder / "node.json").write_text(f'{{"pid": {os.getpid()}, "port": 1, "chain_id": 1, "hardfork": "prague"}}')
    assert devnet.status(folder) is None
    assert devnet.stop(folder) is False
    assert os.getpid() > 0


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}'])
def test_a_damaged_record_is_told(folder: Path, content: str) -> None:
    folder.mkdir()
    record = folder / "node.json"
    record.write_text(content)
    with pytest.raises(NodeUnavailable, match="damaged"):
        devnet.start(folder)
    record.unlink()


def test_a_node_that_cannot_start_says_why(folder: Path) -> None:
    with pytest.raises(NodeUnavailable, match="did not start"):
        devnet.start(folder, hardfork="no-such-fork")
    assert devnet.status(folder) is None


def test_a_missing_node_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("stun.chains.evm.nodes.ROOT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NodeUnavailable, match="npm ci"), anvil():
        raise AssertionError("started")


def test_both_nodes_let_the_clock_jump_and_fund_the_same_accounts(any_bench: Bench) -> None:
    before = any_bench.reader.view()
    any_bench.node.travel(3_600)
    after = any_bench.reader.view()
    assert after.block.timestamp - before.block.timestamp in range(3_600, 3_660)
    assert after.block.number == before.block.number + 1
    assert all(after.balance(account.address) > 0 for account in funded_accounts(10))

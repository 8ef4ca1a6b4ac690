"""Reading over a network that loses, garbles and invents answers."""

from collections.abc import Iterator
from typing import Any

import pytest

from stun.chains.evm.endpoint import Retry, connect
from stun.chains.evm.errors import BlockVanished, EndpointRefused, EndpointsDisagree, Reverted, Unreachable
from stun.chains.evm.nodes import AnvilNode
from stun.chains.evm.rpc import ChainReader, Finality
from tests.integration.conftest import Bench
from tests.support.evm_counter import TOTAL, count_data, total_of
from tests.support.rpc_proxy import Answer, Meddle, RpcProxy, rpc_proxy

pytestmark = pytest.mark.integration

_PATIENT = Retry(attempts=3, backoff=0.0)


@pytest.fixture
def proxy(anvil_node: AnvilNode) -> Iterator[RpcProxy]:
    with rpc_proxy(anvil_node.url) as serving:
        yield serving


def _reader(proxy: RpcProxy, *others: AnvilNode, **options: Any) -> ChainReader:
    endpoints = [connect(proxy.url, retry=_PATIENT), *(other.endpoint() for other in others)]
    return ChainReader(endpoints, **options)


@pytest.mark.parametrize("broken", [None, b"", b"not json", b'{"jsonrpc": "2.0"', 500, 502, 429])
def test_a_broken_answer_is_asked_for_again(anvil_bench: Bench, proxy: RpcProxy, broken: Any) -> None:
    faults = [broken, broken]
    proxy.meddle = lambda _request, answer: faults.pop() if faults else answer
    assert _reader(proxy).view().block.number == anvil_bench.reader.view().block.number
    assert proxy.seen[:3] == ["eth_getBlockByNumber"] * 3


@pytest.mark.parametrize(
    "broken",
    [
        None,
        b"not json",
        500,
        429,
        b"[]",
        b"5",
        b'{"jsonrpc": "2.0", "id": 0, "result": 5}',
        b'{"jsonrpc": "2.0", "id": 0, "result": {"number": "zz"}}',
    ],
)
def test_after_the_last_attempt_the_endpoint_is_unreachable(proxy: RpcProxy, broken: Any) -> None:
    proxy.meddle = lambda _request, _answer: broken
    with pytest.raises(Unreachable) as lost:
        _reader(proxy).view()
    assert len(proxy.seen) == 3
    assert "secret-token" not in str(lost.value)
    assert "secret-token" not in repr(_reader(proxy).endpoints)


def test_a_rate_limit_is_tried_again_and_a_refusal_is_not(anvil_bench: Bench, proxy: RpcProxy) -> None:
    errors = [{"code": -32005, "message": "daily request count exceeded"}]
    proxy.meddle = lambda request, answer: (
        {"jsonrpc": "2.0", "id": request["id"], "error": errors.pop()} if errors else answer
    )
    assert _reader(proxy).view().block.number == anvil_bench.reader.view().block.number
    errors.append({"code": -32601, "message": "method not found"})
    reader = _reader(proxy)
    with pytest.raises(EndpointRefused, match="method not found"):
        reader.view()
    assert errors == []


def test_one_endpoint_down_is_carried_by_the_other_unless_both_are_needed(
    anvil_bench: Bench, anvil_node: AnvilNode, proxy: RpcProxy
) -> None:
    proxy.meddle = lambda _request, _answer: None
    assert total_of(_reader(proxy, anvil_node), anvil_bench.counter) == 0
    with pytest.raises(Unreachable, match="1 of 2"):
        total_of(_reader(proxy, anvil_node, needed=2), anvil_bench.counter)


def _lie(method: str, field: str, value: Any) -> Meddle:
    def meddle(request: dict[str, Any], answer: dict[str, Any]) -> Answer:
        if request["method"] == method and isinstance(answer.get("result"), dict):
            return {**answer, "result": {**answer["result"], field: value}}
        return answer

    return meddle


def test_an_invented_block_is_a_disagreement(anvil_bench: Bench, anvil_node: AnvilNode, proxy: RpcProxy) -> None:
    proxy.meddle = _lie("eth_getBlockByNumber", "hash", "0x" + "ab" * 32)
    with pytest.raises(EndpointsDisagree, match="block"):
        _reader(proxy, anvil_node).view()


def test_an_invented_height_does_not_silence_the_honest_endpoint(
    anvil_bench: Bench, anvil_node: AnvilNode, proxy: RpcProxy
) -> None:
    proxy.meddle = _lie("eth_getBlockByNumber", "number", hex(10**9))
    with pytest.raises(EndpointsDisagree, match="head"):
        _reader(proxy, anvil_node).view()
    assert anvil_bench.reader.view().block.number > 0


def test_an_invented_receipt_is_a_disagreement(anvil_bench: Bench, anvil_node: AnvilNode, proxy: RpcProxy) -> None:
    done = anvil_bench.sender.wait(anvil_bench.sender.submit("post:1", anvil_bench.counter, count_data(1)))
    assert done.landed is not None
    proxy.meddle = _lie("eth_getTransactionReceipt", "status", "0x0")
    with pytest.raises(EndpointsDisagree, match="receipt"):
        _reader(proxy, anvil_node).receipt(done.landed)
    proxy.meddle = lambda _request, answer: answer
    assert _reader(proxy, anvil_node, needed=2).receipt(done.landed) == anvil_bench.reader.receipt(done.landed)
    assert _reader(proxy, anvil_node).receipt(bytes(32)) is None


def test_an_invented_result_and_an_invented_revert_are_disagreements(
    anvil_bench: Bench, anvil_node: AnvilNode, proxy: RpcProxy
) -> None:
    view = _reader(proxy, anvil_node).view()
    proxy.meddle = lambda request, answer: (
        {**answer, "result": "0x" + "00" * 31 + "07"} if request["method"] == "eth_call" else answer
    )
    with pytest.raises(EndpointsDisagree, match="call"):
        view.call(anvil_bench.counter, TOTAL)
    proxy.meddle = lambda request, answer: {
        "jsonrpc": "2.0",
        "id": request["id"],
        "error": {"code": 3, "message": "execution reverted", "data": "0x"},
    }
    with pytest.raises(EndpointsDisagree, match="call"):
        view.call(anvil_bench.counter, TOTAL)


def test_a_view_stays_at_its_block(anvil_bench: Bench) -> None:
    before = anvil_bench.reader.view()
    anvil_bench.sender.wait(anvil_bench.sender.submit("post:1", anvil_bench.counter, count_data(4)))
    assert int.from_bytes(before.call(anvil_bench.counter, TOTAL), "big") == 0
    assert before.nonce(anvil_bench.keeper.address) == 0
    after = anvil_bench.reader.view()
    assert int.from_bytes(after.call(anvil_bench.counter, TOTAL), "big") == 4
    assert after.block.parent_hash == before.block.hash


def test_a_view_of_a_block_that_was_replaced_is_told(anvil_bench: Bench, anvil_node: AnvilNode) -> None:
    anvil_node.mine()
    view = anvil_bench.reader.view()
    anvil_node.request("anvil_reorg", 1, [])
    with pytest.raises(BlockVanished):
        view.call(anvil_bench.counter, TOTAL)
    assert total_of(anvil_bench.reader, anvil_bench.counter) == 0


def test_reverts_carry_the_reason_of_the_contract(any_bench: Bench) -> None:
    with pytest.raises(Reverted) as refused:
        any_bench.reader.view().call(any_bench.counter, count_data(101), any_bench.keeper.address)
    assert refused.value.code == "counter: too many"
    with pytest.raises(Reverted) as refused:
        any_bench.reader.view().call(any_bench.counter, bytes.fromhex("deadbeef"))
    assert refused.value.code == ""


def test_final_is_below_the_confirmations_and_below_the_nodes_mark(anvil_node: AnvilNode) -> None:
    anvil_node.mine(10)
    endpoint = anvil_node.endpoint()
    assert ChainReader([endpoint], Finality(4)).view("final").block.number == 6
    assert ChainReader([endpoint], Finality(40)).view("final").block.number == 0
    marked = ChainReader([endpoint], Finality(0, "finalized")).view("final").block.number
    assert marked == endpoint.block("finalized").number < 10
    with pytest.raises(BlockVanished):
        ChainReader([endpoint]).view(11)


def test_events_come_with_the_block_they_are_of(any_bench: Bench) -> None:
    first = any_bench.reader.view().block.number
    done = any_bench.sender.wait(any_bench.sender.submit("post:1", any_bench.counter, count_data(4)))
    view = any_bench.reader.view()
    (log,) = view.logs([any_bench.counter], first)
    assert (log.block_hash, log.transaction_hash) == (done.block_hash, done.landed)
    assert log.topics[1][12:] == any_bench.keeper.address
    assert view.logs([any_bench.keeper.address], first) == ()


@pytest.mark.parametrize("needed", [0, 2, -1])
def test_a_reader_needs_endpoints_it_has(anvil_node: AnvilNode, needed: int) -> None:
    with pytest.raises(ValueError, match="needed"):
        ChainReader([anvil_node.endpoint()], needed=needed)

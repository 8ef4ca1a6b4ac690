"""A node that answers another question than the one it was asked ended keepers and providers with a KeyError; answers
that do not fit are errors of the world now, which are tried again, and terms count by the chain's digest alone."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from keeper_world import KeeperWorld

from stun.chains.evm.answers import Log
from stun.chains.evm.endpoint import Endpoint, Retry
from stun.chains.evm.errors import AnswerInvalid, Unreachable
from stun.chains.evm.market import EvmMarket
from stun.chains.evm.market_encoding import terms_digest
from stun.protocol.market.state import Terms

pytestmark = pytest.mark.unit
ADDRESS, TOPIC, BATCH = b"\x11" * 20, b"\x22" * 32, b"\x33" * 32
LOG: dict[str, Any] = {
    "address": "0x" + ADDRESS.hex(), "topics": [TOPIC, BATCH], "data": b"", "blockNumber": 5, "blockHash": b"\x05" * 32,
    "transactionHash": b"\x06" * 32, "logIndex": 0,
}  # fmt: skip


def _endpoint(**answers: Any) -> Endpoint:
    eth = SimpleNamespace(**{name: lambda *_, answer=answer: answer for name, answer in answers.items()})
    return Endpoint(cast(Any, SimpleNamespace(eth=eth)), "odd", Retry(1))


@pytest.mark.parametrize(
    "change",
    [
        {"address": "0x" + "99" * 20}, {"topics": [BATCH, BATCH]}, {"topics": [TOPIC, TOPIC]}, {"topics": [TOPIC]},
        {"topics": []}, {"blockNumber": 3}, {"blockNumber": 10},
    ],
)  # fmt: skip
def test_logs_that_were_not_asked_for_are_no_answer(change: dict[str, Any]) -> None:
    def ask(log: dict[str, Any]) -> tuple[Log, ...]:
        return _endpoint(get_logs=[LOG, log]).logs([ADDRESS], [TOPIC, BATCH], 4, 9)

    assert len(ask(LOG)) == 2
    with pytest.raises(Unreachable, match="malformed"):
        ask(LOG | change)


def test_a_block_and_a_receipt_of_another_name_are_no_answer() -> None:
    block = {"number": 7, "hash": TOPIC, "parentHash": BATCH, "timestamp": 1}
    assert _endpoint(get_block=block).block(7).number == 7
    with pytest.raises(Unreachable, match="malformed"):
        _endpoint(get_block=block).block(8)
    receipt = {
        "transactionHash": BATCH, "blockHash": TOPIC, "blockNumber": 7, "status": 1, "gasUsed": 1, "logs": [],
    }  # fmt: skip
    assert _endpoint(get_transaction_receipt=receipt).receipt(BATCH) is not None
    with pytest.raises(Unreachable, match="malformed"):
        _endpoint(get_transaction_receipt=receipt).receipt(TOPIC)


class _Told(EvmMarket):
    """A market over a node that says what a test wants of one batch."""

    def __init__(self, stored: tuple[Any, ...], logged: Terms) -> None:
        super().__init__(cast(Any, None), cast(Any, SimpleNamespace(market=ADDRESS, first_block=0)))
        self.stored, self.logged = stored, logged

    def _read(self, contract: str, name: str, *arguments: Any) -> Any:
        return self.stored

    def terms(self, batch_id: bytes) -> Terms:
        return self.logged


def _stored(digest: bytes, phase: int = 1, state: int = 0) -> tuple[Any, ...]:
    return digest, phase, 1, 0, False, False, False, 1, [state] * 3, [bytes(32)] * 3, [0] * 3, 0


def test_terms_count_by_the_digest_that_the_chain_stores() -> None:
    world = KeeperWorld()
    terms = world.terms(world.open_batch([0, 1]))
    digest = terms_digest(terms)
    record = _Told(_stored(digest), terms).batch(BATCH)
    assert record is not None
    assert len(record.states) == 2

    for forged in (replace(terms, opened_at=terms.opened_at + 1), replace(terms, casts=terms.casts[:1])):
        with pytest.raises(AnswerInvalid, match="terms"):
            _Told(_stored(digest), forged).batch(BATCH)


@pytest.mark.parametrize("wrong", [{"phase": 9}, {"state": 200}])
def test_a_state_that_there_is_not_is_an_error_of_the_world(wrong: dict[str, int]) -> None:
    world = KeeperWorld()
    terms = world.terms(world.open_batch([0]))
    with pytest.raises(AnswerInvalid, match="state"):
        _Told(_stored(terms_digest(terms), **wrong), terms).batch(BATCH)

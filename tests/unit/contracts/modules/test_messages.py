"""messages.vy: every type text and every struct hash is the specification's."""

import re
from hashlib import sha256
from typing import Any

import boa
import pytest
from evm_contracts import CONTRACTS

from stun.chains.evm.market_encoding import message_tuple
from stun.protocol.audit.messages import SeatSeal, SeatVerdict
from stun.protocol.messages import ACCOUNT, Accept, Bid, Commit, Message, Operator, Order, Post

pytestmark = pytest.mark.unit

SOURCE = (CONTRACTS / "modules" / "messages.vy").read_text()
ON_CHAIN: tuple[type[Message], ...] = (Order, Bid, Commit, Post, Accept, Operator, SeatSeal, SeatVerdict)
CALLER = """
from contracts.interfaces import IMarketplace
from contracts.modules import messages

@external
@pure
def order(m: IMarketplace.Order) -> bytes32:
    return messages.order(m)

@external
@pure
def bid(m: IMarketplace.Bid) -> bytes32:
    return messages.bid(m)

@external
@pure
def commit(batch_id: bytes32, provider: address, commitment: bytes32) -> bytes32:
    return messages.commit(batch_id, provider, commitment)

@external
@pure
def post(batch_id: bytes32, provider: address, outputs_root: bytes32, total_units: uint256) -> bytes32:
    return messages.post(batch_id, provider, outputs_root, total_units)

@external
@pure
def accept(batch_id: bytes32, outputs_root: bytes32, total_units: uint64) -> bytes32:
    return messages.accept(batch_id, outputs_root, total_units)

@external
@pure
def operator(account: address, key: address, nonce: uint64, expires_at: uint64) -> bytes32:
    return messages.operator(account, key, nonce, expires_at)

@external
@pure
def seatseal(batch_id: bytes32, account: address, seal: bytes32) -> bytes32:
    return messages.seat_seal(batch_id, account, seal)

@external
@pure
def seatverdict(batch_id: bytes32, account: address, verdict: bytes32, agrees: uint256) -> bytes32:
    return messages.seat_verdict(batch_id, account, verdict, agrees)
"""


def example(kind: type[Message], salt: bytes, full: bool) -> Message:
    """A message with different bytes in every field, or with every field at its largest."""
    values: dict[str, Any] = {}
    for name, field in kind.TYPES.items():
        noise = sha256(salt + name.encode()).digest()
        if field == ACCOUNT:
            values[name] = bytes(12) + (b"\xff" * 20 if full else noise[:20])
        elif field == "bytes32":
            values[name] = b"\xff" * 32 if full else noise
        else:
            values[name] = 2 ** int(field[4:]) - 1 if full else int.from_bytes(noise, "big") % 2 ** int(field[4:])
    return kind(**values)


@pytest.fixture(scope="module")
def caller() -> Any:
    return boa.loads(CALLER, name="messages_caller")


@pytest.mark.parametrize("kind", ON_CHAIN)
def test_the_type_text_is_the_specifications(kind: type[Message]) -> None:
    texts = re.findall(r'keccak256\(\s*"([^"]+)"\s*\)', SOURCE)
    assert len(texts) == len(ON_CHAIN)
    assert kind.type_text(evm=True) in texts


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("kind", ON_CHAIN)
def test_the_struct_hash_is_the_specifications(caller: Any, kind: type[Message], full: bool) -> None:
    message = example(kind, b"1", full)
    values = tuple(
        "0x" + value.hex() if field == "address" else value
        for value, field in zip(message_tuple(message), _kinds(kind), strict=True)
    )
    function = getattr(caller, kind.__name__.lower())
    got = function(values) if kind in (Order, Bid) else function(*values)
    assert got == message.struct_hash()


def _kinds(kind: type[Message]) -> list[str]:
    return ["address" if field == ACCOUNT else field for field in kind.TYPES.values()]

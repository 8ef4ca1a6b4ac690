"""Attacks on signatures: replayed, malleable, expired, cancelled, of another chain, of another contract, of wallets."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from evm_machines import BoaMachine
from market_parties import KEYS, malleable, sign
from market_stage import Opened, Stage, fresh_stage, honest_tree

from stun.chains.evm.addresses import narrow, widen
from stun.chains.evm.market_encoding import message_tuple, top_tuple
from stun.protocol.messages import Accept, Bid, Commit, Domain, Message, Operator, Order, Post

pytestmark = pytest.mark.integration

TREE = honest_tree()
CLAIM = (TREE.root, TREE.total_units)
Signer = Callable[[bytes, Message], bytes]
MAGIC = bytes.fromhex("1626ba7e")


@pytest.fixture
def stage() -> Iterator[Stage]:
    with fresh_stage() as lent:
        yield lent


def brought(stage: Stage, kind: type[Message], signer: Signer) -> str | None:
    """Let a stranger bring a message of a kind whose signature the signer makes; return the refusal."""
    attempts: dict[type[Message], Callable[[Stage, Signer], str | None]] = {
        Order: _order, Bid: _bid, Post: _post, Commit: _commit, Accept: _accept, Operator: _operator,
    }  # fmt: skip
    return attempts[kind](stage, signer)


def _order(stage: Stage, signer: Signer) -> str | None:
    order = stage.order()
    arguments = stage.match_arguments(order, signature=signer(stage.requester, order))
    return stage.refusal(stage.settler, "match", *arguments)


def _bid(stage: Stage, signer: Signer) -> str | None:
    order = stage.order()
    bids = stage.bids(order)
    arguments = stage.match_arguments(order, bids, bid_signatures=signer(bids[0].provider, bids[0]))
    return stage.refusal(stage.settler, "match", *arguments)


def _post(stage: Stage, signer: Signer) -> str | None:
    opened = stage.open(stage.order())
    message = Post(opened.batch_id, stage.providers[0], *CLAIM)
    signature = signer(stage.providers[0], message)
    return stage.refusal(stage.settler, "post", *opened.about, top_tuple(TREE.top), signature)


def _commit(stage: Stage, signer: Signer) -> str | None:
    opened = stage.open(stage.order(2))
    seal = b"\x07" * 32
    signature = signer(stage.providers[0], Commit(opened.batch_id, stage.providers[0], seal))
    return stage.refusal(stage.settler, "deliver", *opened.about, [(0, seal)], signature, [])


def _accept(stage: Stage, signer: Signer) -> str | None:
    opened = stage.open(stage.order())
    stage.post(opened, TREE)
    signature = signer(stage.requester, Accept(opened.batch_id, *CLAIM))
    return stage.refusal(stage.settler, "accept", *opened.about, *CLAIM, signature, False, b"")


def _operator(stage: Stage, signer: Signer) -> str | None:
    message = Operator(stage.requester, stage.settler, 0, stage.now + 60)
    signature = signer(stage.requester, message)
    return stage.refusal(stage.settler, "set_operator_signed", *message_tuple(message), signature)


REFUSED = {
    Order: "orders: signature", Bid: "bids: signature", Post: "batches: signer", Commit: "batches: signer",
    Accept: "accept: signer", Operator: "operators: signature",
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_a_true_signature_is_accepted(stage: Stage, kind: type[Message]) -> None:
    assert brought(stage, kind, stage.sign) is None


@pytest.mark.parametrize("kind", REFUSED)
def test_malleable_signature(stage: Stage, kind: type[Message]) -> None:
    assert brought(stage, kind, lambda account, m: malleable(stage.sign(account, m))) == REFUSED[kind]


@pytest.mark.parametrize("kind", REFUSED)
def test_signature_of_another_chain(stage: Stage, kind: type[Message]) -> None:
    domain = stage.deployed.domain
    other = replace(domain, chain_id=domain.chain_id + 1)
    assert brought(stage, kind, lambda account, m: sign(account, m.digest(other))) == REFUSED[kind]


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("contract", ["Settlement", "StunToken"])
def test_signature_for_another_contract(stage: Stage, kind: type[Message], contract: str) -> None:
    other = replace(stage.deployed.domain, market=stage.deployed.addresses[contract])
    assert brought(stage, kind, lambda account, m: sign(account, m.digest(other))) == REFUSED[kind]


@pytest.mark.parametrize("kind", REFUSED)
def test_signature_under_a_salt_domain(stage: Stage, kind: type[Message]) -> None:
    other = Domain(salt=b"\x01" * 32)
    assert brought(stage, kind, lambda account, m: sign(account, m.digest(other))) == REFUSED[kind]


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("v", [0, 1, 26, 29, 255])
def test_signature_with_an_unknown_recovery_id(stage: Stage, kind: type[Message], v: int) -> None:
    assert brought(stage, kind, lambda account, m: stage.sign(account, m)[:64] + bytes([v])) == REFUSED[kind]


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("size", [0, 64])
def test_truncated_signature(stage: Stage, kind: type[Message], size: int) -> None:
    assert brought(stage, kind, lambda account, m: stage.sign(account, m)[:size]) == REFUSED[kind]


def test_replayed_order(stage: Stage) -> None:
    arguments = stage.match_arguments(stage.order())
    stage.must(stage.matcher, "match", *arguments)
    assert stage.refusal(stage.matcher, "match", *arguments) == "nonces: used"


def test_replayed_order_with_other_bids_after_its_batch_is_final(stage: Stage) -> None:
    order = stage.order()
    opened = stage.open(order)
    stage.must(stage.providers[0], "leave", *opened.about, 0)
    bids = [replace(bid, provider=stage.providers[1]) for bid in stage.bids(order)]
    assert stage.refusal(stage.matcher, "match", *stage.match_arguments(order, bids)) == "nonces: used"


def test_replayed_post_and_acceptance_in_another_batch(stage: Stage) -> None:
    first, second = stage.open(stage.order()), stage.open(stage.order())
    provider = stage.providers[0]
    post = stage.sign(provider, Post(first.batch_id, provider, *CLAIM))
    accept = stage.sign(stage.requester, Accept(first.batch_id, *CLAIM))
    assert stage.refusal(stage.settler, "post", *second.about, top_tuple(TREE.top), post) == "batches: signer"
    refusal = stage.refusal(stage.settler, "accept", *second.about, *CLAIM, accept, True, post)
    assert refusal == "accept: signer"


def test_replayed_bid_for_another_order(stage: Stage) -> None:
    bid = stage.bids(stage.order())
    other = stage.order()
    assert stage.refusal(stage.matcher, "match", *stage.match_arguments(other, bid)) == "bids: order"


def test_expired_order_and_bid(stage: Stage) -> None:
    order = stage.order()
    bids = stage.bids(order)
    stage.travel(60)
    assert stage.refusal(stage.matcher, "match", *stage.match_arguments(order, bids)) == "bids: expired"
    stage.travel(3_600 - 60)
    assert stage.refusal(stage.matcher, "match", *stage.match_arguments(order)) == "orders: expired"


def test_cancelled_order(stage: Stage) -> None:
    order = stage.order()
    stage.must(stage.requester, "cancel_order", order.nonce)
    assert stage.refusal(stage.matcher, "match", *stage.match_arguments(order)) == "nonces: used"


def test_operator_whose_key_was_taken_back(stage: Stage) -> None:
    provider, operator = stage.providers[0], stage.people.operators[0]
    stage.must(provider, "set_operator", narrow(operator))
    stage.must(provider, "set_operator", bytes(20))
    assert brought(stage, Bid, lambda _, m: stage.sign(operator, m)) == "bids: signature"


class CodedMachine(BoaMachine):
    """A machine that puts code where a test wants it, an account with a key included."""

    def set_code(self, address: bytes, code: bytes) -> None:
        self._env.set_code("0x" + address.hex(), code)


def returning(answer: bytes) -> bytes:
    """Runtime code that returns these bytes, at most 64."""
    stores = b"".join(
        b"\x7f" + answer[at : at + 32].ljust(32, b"\0") + b"\x60" + bytes([at]) + b"\x52" for at in range(0, 64, 32)
    )
    return stores + b"\x60" + bytes([len(answer)]) + b"\x60\x00\xf3"


WALLETS: dict[str, tuple[bytes, bool]] = {
    "accepting": (returning(MAGIC.ljust(32, b"\0")), True),
    "refusing": (returning(b"\xff\xff\xff\xff".ljust(32, b"\0")), False),
    "reverting": (bytes.fromhex("60006000fd"), False),
    "reverting with the magic value": (returning(MAGIC.ljust(32, b"\0"))[:-1] + b"\xfd", False),
    "gas burning": (bytes.fromhex("5b600056"), False),
    "answering nothing": (b"\x00", False),
    "answering four bytes": (returning(MAGIC), False),
    "answering with dirty bits": (returning(MAGIC + b"\x01" * 28), False),
    "answering true": (returning((1).to_bytes(32, "big")), False),
    "self destructing": (bytes.fromhex("6000ff"), False),
    "storing": (bytes.fromhex("600160005500"), False),
}


@pytest.fixture
def coded() -> Stage:
    return Stage(CodedMachine())


def wallet(stage: Stage, code: bytes) -> bytes:
    """Put a wallet without a key on the chain, with money in the market; return its account."""
    address = b"\x57" * 20
    machine: Any = stage.deployed.machine
    machine.set_code(address, code)
    stage.must(stage.requester, "deposit", stage.stun, 10**11, address)
    return widen(address)


@pytest.mark.parametrize("name", WALLETS)
@pytest.mark.parametrize("signature", [b"", bytes(65), b"\x01" * 512], ids=["empty", "zeros", "longest"])
def test_wallet(coded: Stage, name: str, signature: bytes) -> None:
    code, accepts = WALLETS[name]
    requester = wallet(coded, code)
    order = coded.order(requester=requester)
    arguments = coded.match_arguments(order, signature=signature)
    assert coded.refusal(coded.matcher, "match", *arguments) == (None if accepts else "orders: signature")
    if accepts:
        opened = _opened(coded, order)
        coded.post(opened, TREE)
        coded.must(coded.settler, "accept", *opened.about, *CLAIM, signature, False, b"")
        operator = Operator(requester, coded.settler, 0, coded.now + 1)
        coded.must(coded.settler, "set_operator_signed", *message_tuple(operator), signature)


def test_a_gas_burning_wallet_burns_no_more_than_its_share(coded: Stage) -> None:
    order = coded.order(requester=wallet(coded, WALLETS["gas burning"][0]))
    outcome = coded.send(coded.matcher, "match", *coded.match_arguments(order, signature=b"\x01" * 66))
    assert outcome.reason == "orders: signature"
    assert 200_000 < outcome.gas < 400_000


def test_an_account_with_code_and_a_key_signs_with_its_key(coded: Stage) -> None:
    machine: Any = coded.deployed.machine
    machine.set_code(narrow(coded.requester), WALLETS["refusing"][0])
    assert coded.requester in KEYS
    assert brought(coded, Order, coded.sign) is None
    assert brought(coded, Order, lambda _, m: coded.sign(coded.settler, m)) == "orders: signature"


def test_an_account_with_code_and_a_key_signs_with_its_code(coded: Stage) -> None:
    machine: Any = coded.deployed.machine
    machine.set_code(narrow(coded.requester), WALLETS["accepting"][0])
    assert brought(coded, Order, lambda _, m: b"approved by the delegate") is None


def test_a_wallet_cannot_bid_or_post_by_its_code(coded: Stage) -> None:
    provider = wallet(coded, WALLETS["accepting"][0])
    order = coded.order()
    bids = [replace(bid, provider=provider) for bid in coded.bids(order)]
    arguments = coded.match_arguments(order, bids, bid_signatures=bytes(65))
    assert coded.refusal(coded.matcher, "match", *arguments) == "bids: signature"


def _opened(stage: Stage, order: Order) -> Opened:
    """Match a second order of the wallet and return its batch."""
    again = stage.order(requester=order.requester)
    events = stage.must(stage.matcher, "match", *stage.match_arguments(again, signature=b"\x01"))
    return Opened(events[-1][1]["batch_id"], events[-1][1]["terms"])

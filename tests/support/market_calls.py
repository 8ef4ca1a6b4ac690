"""Actions of the specification as calls of the contracts, with real signatures of those who sign in the action.

A signer of None is whatever bytes do not count as a signature: `invalid` rotates through missing, zero, truncated,
random and malleable ones.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from deployed_market import DeployedMarket
from market_parties import malleable, sign

from stun.chains.evm.addresses import narrow
from stun.chains.evm.market_contracts import interface
from stun.chains.evm.market_encoding import message_tuple, resolve_arguments, terms_tuple, top_tuple
from stun.protocol.errors import Rejected
from stun.protocol.market import actions
from stun.protocol.market.state import Terms
from stun.protocol.messages import NOBODY, Commit, Message, Post
from stun.protocol.trees.results import derive
from stun.protocol.trees.specs import Membership

SIGNATURE_BYTES = 65
LONGEST_SIGNATURE = 512


@dataclass(frozen=True, slots=True)
class Call:
    """A transaction: who sends it to which contract, with which calldata."""

    sender: bytes
    contract: str
    data: bytes


class Translator:
    """Turns actions into calls; `terms` is what BatchOpened published of every batch ever opened."""

    def __init__(self, deployed: DeployedMarket, terms: Mapping[bytes, Terms]) -> None:
        self._deployed = deployed
        self._terms = terms
        self._turns = count()
        self._rules: dict[type, Callable[[Any], Call]] = {
            actions.Deposit: self._deposit,
            actions.Withdraw: self._withdraw,
            actions.SetOperator: self._set_operator,
            actions.CancelOrder: self._cancel_order,
            actions.Match: self._match,
            actions.PostResult: self._post,
            actions.Deliver: self._deliver,
            actions.LeaveBatch: lambda a: self._about(a, "leave", a.replica),
            actions.Expire: lambda a: self._about(a, "expire"),
            actions.Settle: lambda a: self._about(a, "settle", a.outputs_root, a.total_units),
            actions.AcceptResult: self._accept,
            actions.Resolve: self._resolve,
            actions.Hold: lambda a: self._about(a, "hold", a.until),
            actions.Convict: lambda a: self._about(a, "convict", a.replica, a.wrong, narrow(a.challenger)),
            actions.Release: lambda a: self._about(a, "release", a.outputs_root, a.total_units, narrow(a.settler)),
            actions.SetDue: lambda a: self._about(a, "set_due", a.dues),
            actions.PayAudit: self._pay_audit,
            actions.FundAudit: lambda a: self._call(a.sender, "Marketplace", "fund_audit", narrow(a.asset), a.amount),
        }

    def call(self, action: actions.Action) -> Call:
        """Return the call of an action."""
        return self._rules[type(action)](action)

    def terms_of(self, batch_id: bytes) -> Terms:
        """Return a batch's terms; any batch's for an id that was never opened."""
        return self._terms.get(batch_id) or next(iter(self._terms.values()))

    def signature(
        self, signer: bytes | None, message: Message, expected: bytes = NOBODY, most: int = LONGEST_SIGNATURE
    ) -> bytes:
        """Return the signer's signature, or bytes that are none; `expected` is whose it would have to be."""
        digest = message.digest(self._deployed.domain)
        if signer is not None:
            return sign(signer, digest)
        if expected not in self._deployed.people.all:
            return b""
        good = sign(expected, digest)
        forms = [
            bytes(SIGNATURE_BYTES), malleable(good), bytes([good[0] ^ 1]) + good[1:], b"", good[:64],
            good[:64] + bytes([good[64] - 27]),
        ]  # fmt: skip
        if most > SIGNATURE_BYTES:
            forms.append(good + b"\0")
        return forms[next(self._turns) % len(forms)]

    def _call(self, sender: bytes, contract: str, name: str, *arguments: Any) -> Call:
        return Call(sender, contract, interface(contract).function(name).encode(*arguments))

    def _about(self, action: Any, name: str, *arguments: Any) -> Call:
        terms = terms_tuple(self.terms_of(action.batch_id))
        return self._call(action.sender, "Marketplace", name, action.batch_id, terms, *arguments)

    def _deposit(self, action: actions.Deposit) -> Call:
        where = (narrow(action.asset), action.received, narrow(action.beneficiary))
        return self._call(action.sender, "Marketplace", "deposit", *where)

    def _withdraw(self, action: actions.Withdraw) -> Call:
        where = (narrow(action.asset), action.amount, narrow(action.to))
        return self._call(action.sender, "Marketplace", "withdraw", *where)

    def _pay_audit(self, action: actions.PayAudit) -> Call:
        accounts = [narrow(account) for account, _ in action.payments]
        amounts = [amount for _, amount in action.payments]
        where = (action.version, narrow(action.asset), accounts, amounts)
        return self._call(action.sender, "Marketplace", "pay_audit", *where)

    def _set_operator(self, action: actions.SetOperator) -> Call:
        message = action.message
        if action.sender == message.account:
            return self._call(action.sender, "Marketplace", "set_operator", narrow(message.operator))
        signature = self.signature(action.signer, message, message.account)
        return self._call(action.sender, "Marketplace", "set_operator_signed", *message_tuple(message), signature)

    def _cancel_order(self, action: actions.CancelOrder) -> Call:
        return self._call(action.sender, "Marketplace", "cancel_order", action.nonce)

    def _match(self, action: actions.Match) -> Call:
        order = action.order
        signature = b"" if order.requester == action.sender else self.signature(action.signer, order, order.requester)
        bids = [message_tuple(signed.bid) for signed in action.bids]
        parts = [self._exact(signed.signer, signed.bid, signed.bid.provider) for signed in action.bids]
        words = [word for signed in action.bids if signed.membership for word in _words(signed.membership)]
        return self._call(
            action.sender, "Marketplace", "match", message_tuple(order), signature, bids, b"".join(parts), words
        )

    def _exact(self, signer: bytes | None, message: Message, expected: bytes) -> bytes:
        """Return 65 bytes, one of several signatures that stand side by side."""
        return self.signature(signer, message, expected, SIGNATURE_BYTES).ljust(SIGNATURE_BYTES, b"\0")

    def _post(self, action: actions.PostResult) -> Call:
        terms = self.terms_of(action.batch_id)
        provider = terms.casts[0].provider
        try:
            root, units = derive(terms.count, action.top)
        except Rejected:
            root, units = NOBODY, 0
        message = Post(action.batch_id, provider, root, units)
        signature = self.signature(action.signer, message, provider, SIGNATURE_BYTES)
        return self._about(action, "post", top_tuple(action.top), signature)

    def _deliver(self, action: actions.Deliver) -> Call:
        casts = self.terms_of(action.batch_id).casts
        signatures = []
        for commit in action.commits:
            provider = casts[commit.replica].provider if commit.replica < len(casts) else NOBODY
            message = Commit(action.batch_id, provider, commit.commitment)
            signatures.append(self._exact(commit.signer, message, provider))
        commits = [(commit.replica, commit.commitment) for commit in action.commits]
        reveals = [(reveal.replica, top_tuple(reveal.top), reveal.salt) for reveal in action.reveals]
        return self._about(action, "deliver", commits, b"".join(signatures), reveals)

    def _accept(self, action: actions.AcceptResult) -> Call:
        message = action.message
        terms = self.terms_of(message.batch_id)
        native = action.sender == terms.requester
        signature = b"" if native else self.signature(action.signer, message, terms.requester)
        provider = terms.casts[0].provider
        post = Post(message.batch_id, provider, message.outputs_root, message.total_units)
        post_signature = self.signature(action.post_signer, post, provider, SIGNATURE_BYTES)
        claim = (message.batch_id, terms_tuple(terms), message.outputs_root, message.total_units)
        return self._call(action.sender, "Marketplace", "accept", *claim, signature, action.posted, post_signature)

    def _resolve(self, action: actions.Resolve) -> Call:
        terms = terms_tuple(self.terms_of(action.batch_id))
        arguments = resolve_arguments(action.resolution)
        return self._call(action.sender, "Marketplace", "resolve", action.batch_id, terms, *arguments)


def _words(proof: Membership) -> list[bytes]:
    return [(proof.count << 128 | proof.index).to_bytes(32, "big"), *proof.path]

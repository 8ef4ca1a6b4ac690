"""Reads that a decision may rest on: all at one block hash, over one or several endpoints that must agree.

An endpoint that lags is left out or waited for, never taken for a reorganisation; endpoints that contradict each
other stop the decision with EndpointsDisagree, because nobody can tell which of two lies.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from stun.chains.evm.abi import AbiFunction
from stun.chains.evm.endpoint import BlockRef, Call, Content, Endpoint, Log, Receipt, SentTransaction
from stun.chains.evm.errors import (
    AlreadyKnown,
    BlockUnknown,
    BlockVanished,
    EndpointRefused,
    EndpointsDisagree,
    InsufficientFunds,
    NonceTooLow,
    Reverted,
    Underpriced,
    Unreachable,
)
from stun.chains.interface import ChainError

T = TypeVar("T")
_SEND_ERRORS = (NonceTooLow, InsufficientFunds, Underpriced, EndpointRefused)


@dataclass(frozen=True, slots=True)
class Finality:
    """When a block counts as final: `confirmations` blocks on top of it, and, with `tag`, the node's own mark too."""

    confirmations: int = 0
    tag: Literal["safe", "finalized"] | None = None


class ChainReader:
    """Reads over endpoints that must agree.

    `needed` endpoints have to give the same answer. One that is more than `max_lag` blocks behind is left out while at
    least two others remain; else EndpointsDisagree, because a node that invents a height makes honest ones look late.
    """

    def __init__(
        self, endpoints: Sequence[Endpoint], finality: Finality | None = None, needed: int = 1, max_lag: int = 8
    ) -> None:
        if not 1 <= needed <= len(endpoints):
            raise ValueError(f"needed must be between 1 and {len(endpoints)} endpoints, not {needed}")
        self.endpoints = tuple(endpoints)
        self.finality = finality or Finality()
        self.needed = needed
        self._max_lag = max_lag
        self._chain_id: int | None = None

    @property
    def chain_id(self) -> int:
        """The chain all endpoints serve; asked once."""
        if self._chain_id is None:
            self._chain_id = self.agree("chain id", Endpoint.chain_id, self.endpoints)
        return self._chain_id

    def agree(self, what: str, question: Callable[[Endpoint], T], endpoints: Sequence[Endpoint]) -> T:
        """The one answer of all endpoints that answer.

        Errors: EndpointsDisagree; Reverted when all say so; when fewer than `needed` answer, BlockVanished,
        EndpointRefused or Unreachable as they say.
        """
        answers: dict[str, T | _Refused] = {}
        failure: ChainError | None = None
        for endpoint in endpoints:
            try:
                answers[endpoint.name] = question(endpoint)
            except Reverted as error:
                answers[endpoint.name] = _Refused(error.reason)
            except BlockUnknown as error:
                failure = BlockVanished(f"{what}: {error.message}")
            except (EndpointRefused, BlockVanished) as error:
                failure = error
            except Unreachable:
                continue
        if len(answers) < self.needed:
            raise failure or Unreachable(f"{what}: {len(answers)} of {self.needed} needed endpoints answered")
        return self._same(what, answers)

    @staticmethod
    def _same(what: str, answers: "dict[str, T | _Refused]") -> T:
        first, *others = answers.values()
        if any(other != first for other in others):
            raise EndpointsDisagree(what, {name: _short(answer) for name, answer in answers.items()})
        if isinstance(first, _Refused):
            raise Reverted(first.reason)
        return first

    def _heads(self) -> dict[Endpoint, BlockRef]:
        """The newest block of every reachable endpoint that is not hopelessly late."""
        heads: dict[Endpoint, BlockRef] = {}
        for endpoint in self.endpoints:
            try:
                heads[endpoint] = endpoint.block("latest")
            except Unreachable:
                continue
        if len(heads) < self.needed:
            raise Unreachable(f"head: {len(heads)} of {self.needed} needed endpoints answered")
        highest = max(head.number for head in heads.values())
        close = {e: head for e, head in heads.items() if highest - head.number <= self._max_lag}
        if len(close) < len(heads) and len(close) < max(2, self.needed):
            raise EndpointsDisagree("head", {e.name: str(head.number) for e, head in heads.items()})
        return close

    def view(self, level: Literal["latest", "final"] | int = "latest") -> "ChainView":
        """A view at the newest block all endpoints have, at the newest final one, or at a block number.

        Errors: Unreachable, EndpointsDisagree, BlockVanished (no such block yet).
        """
        heads = self._heads()
        lowest = min(heads.values(), key=lambda head: head.number)
        view = ChainView(self, lowest, tuple(heads))
        if len(heads) > 1:
            view = view.at(lowest.number)
        if level == "latest":
            return view
        return view.final() if level == "final" else view.at(level)

    def receipt(self, transaction: bytes) -> Receipt | None:
        """The receipt that all endpoints which have its block agree on; None when no endpoint has one.

        Errors: EndpointsDisagree when one with the block denies it; Unreachable when fewer than `needed` confirm it.
        """
        answers: dict[Endpoint, Receipt | None] = {}
        for endpoint in self.endpoints:
            try:
                answers[endpoint] = endpoint.receipt(transaction)
            except Unreachable:
                continue
        found = [receipt for receipt in answers.values() if receipt is not None]
        if not found:
            if len(answers) < self.needed:
                raise Unreachable(f"receipt: {len(answers)} of {self.needed} needed endpoints answered")
            return None
        names: dict[str, Receipt | _Refused] = {}
        for endpoint, answer in answers.items():
            if answer is not None:
                names[endpoint.name] = answer
            elif endpoint.block("latest").number >= found[0].block_number:
                names[endpoint.name] = _Refused("no receipt")
        if len(names) < self.needed:
            raise Unreachable(f"receipt: {len(names)} of {self.needed} needed endpoints have its block")
        return self._same(f"receipt of 0x{transaction.hex()}", names)

    def content(self, transaction: bytes) -> Content | None:
        """What an included transaction asked for, as every endpoint that has it says; None when none has it.

        Errors: EndpointsDisagree; Unreachable when fewer than `needed` endpoints answered.
        """
        answers: dict[str, Content | None] = {}
        for endpoint in self.endpoints:
            try:
                answers[endpoint.name] = endpoint.content(transaction)
            except Unreachable:
                continue
        if len(answers) < self.needed:
            raise Unreachable(f"transaction: {len(answers)} of {self.needed} needed endpoints answered")
        having: dict[str, Content | _Refused] = {name: found for name, found in answers.items() if found is not None}
        return self._same(f"transaction 0x{transaction.hex()}", having) if having else None

    def broadcast(self, raw: bytes) -> None:
        """Hand a signed transaction to every endpoint; one that takes or already has it is enough.

        Errors: the most telling refusal (NonceTooLow first), or Unreachable: then nobody knows whether it was taken.
        """
        taken = False
        refusals: list[EndpointRefused] = []
        for endpoint in self.endpoints:
            try:
                endpoint.send(raw)
                taken = True
            except AlreadyKnown:
                taken = True
            except EndpointRefused as error:
                refusals.append(error)
            except Unreachable:
                continue
        if taken:
            return
        for kind in _SEND_ERRORS:
            for refused in refusals:
                if isinstance(refused, kind):
                    raise refused
        raise Unreachable("broadcast: no endpoint answered")

    def priority_fee(self) -> int:
        """The lowest tip in wei per gas an endpoint suggests; a liar cannot raise it alone."""
        fees: list[int] = []
        for endpoint in self.endpoints:
            try:
                fees.append(endpoint.priority_fee())
            except (Unreachable, EndpointRefused):
                continue
        if not fees:
            raise Unreachable("priority fee: no endpoint answered")
        return min(fees)


@dataclass(frozen=True, slots=True)
class ChainView:
    """The chain as it is at one block; every read of one decision goes through one view."""

    reader: ChainReader
    block: BlockRef
    endpoints: tuple[Endpoint, ...]

    def _agree(self, what: str, question: Callable[[Endpoint], T]) -> T:
        return self.reader.agree(f"{what} at block {self.block.number}", question, self.endpoints)

    def at(self, number: int) -> "ChainView":
        """The view at another block, over the same endpoints. Errors: BlockVanished (no such block yet)."""
        block = self.reader.agree(f"block {number}", lambda endpoint: endpoint.block(number), self.endpoints)
        return ChainView(self.reader, block, self.endpoints)

    def final(self) -> "ChainView":
        """The view at the newest block that is final, seen from this one."""
        finality = self.reader.finality
        number = max(0, self.block.number - finality.confirmations)
        if finality.tag is not None:
            number = min([number, *(endpoint.block(finality.tag).number for endpoint in self.endpoints)])
        return self if number == self.block.number else self.at(number)

    def call(self, to: bytes | None, data: bytes, sender: bytes | None = None, value: int = 0) -> bytes:
        """The bytes a call returns; raises Reverted with the contract's reason."""
        call = Call(to, data, sender, value)
        return self._agree("call", lambda endpoint: endpoint.call(call, self.block))

    def read(self, to: bytes, function: AbiFunction, *arguments: Any) -> Any:
        """The decoded result of a view function: one value, or a tuple when it returns several."""
        return function.decode_output(self.call(to, function.encode(*arguments)))

    def estimate(self, call: Call) -> int:
        """The most gas an endpoint says the call needs; clients differ, so they need not agree."""
        estimates = [gas for gas in (_estimate(e, call) for e in self.endpoints) if gas is not None]
        if not estimates:
            raise Unreachable("gas estimate: no endpoint answered")
        return max(estimates)

    def code(self, address: bytes) -> bytes:
        """The runtime code of an account."""
        return self._agree("code", lambda endpoint: endpoint.code(address, self.block))

    def balance(self, address: bytes) -> int:
        """The balance of an account in wei."""
        return self._agree("balance", lambda endpoint: endpoint.balance(address, self.block))

    def nonce(self, address: bytes) -> int:
        """How many transactions an account has sent up to this block."""
        return self._agree("nonce", lambda endpoint: endpoint.nonce(address, self.block))

    def logs(self, addresses: Sequence[bytes], first: int, topics: Sequence[Any] = ()) -> tuple[Log, ...]:
        """Events of contracts from block number `first` up to this block."""
        last = self.block.number
        logs = self._agree("logs", lambda endpoint: endpoint.logs(addresses, topics, first, last))
        if any(log.block_number == last and log.block_hash != self.block.hash for log in logs):
            raise BlockVanished(f"block {last} was replaced while its events were read")
        return logs

    def transactions(self) -> tuple[SentTransaction, ...]:
        """Every transaction of the view's block."""
        return self._agree("transactions", lambda endpoint: endpoint.transactions(self.block.number))


@dataclass(frozen=True, slots=True)
class _Refused:
    """An answer that is a refusal, so that it can be compared with others."""

    reason: str


def _estimate(endpoint: Endpoint, call: Call) -> int | None:
    try:
        return endpoint.estimate(call)
    except Unreachable:
        return None


def _short(answer: object) -> str:
    text = repr(answer)
    return text if len(text) <= 80 else text[:77] + "..."

"""One JSON-RPC endpoint: every request retried on transport errors, every answer and error typed.

An endpoint's name is its host and port only: addresses of hosted nodes carry access tokens in their path, which must
not reach logs or errors.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from eth_typing import BlockNumber
from eth_utils.address import to_checksum_address
from web3 import HTTPProvider, Web3
from web3.exceptions import BlockNotFound, TransactionNotFound
from web3.middleware import ExtraDataToPOAMiddleware

from stun.chains.evm.answers import BlockRef, Content, Log, Receipt, SentTransaction
from stun.chains.evm.asked_for import the_block, the_log, the_receipt
from stun.chains.evm.errors import TRANSPORT_ERRORS, BlockUnknown, BlockVanished, Unreachable, typed

__all__ = ["BlockRef", "Call", "Content", "Endpoint", "Log", "Receipt", "Retry", "SentTransaction", "connect"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """A call that is simulated. `to` None simulates the creation of a contract; `value` in wei."""

    to: bytes | None
    data: bytes
    sender: bytes | None = None
    value: int = 0

    def fields(self) -> dict[str, Any]:
        """The JSON-RPC call object, without what is absent."""
        fields: dict[str, Any] = {"data": "0x" + self.data.hex()}
        if self.to is not None:
            fields["to"] = to_checksum_address(self.to)
        if self.sender is not None:
            fields["from"] = to_checksum_address(self.sender)
        if self.value:
            fields["value"] = self.value
        return fields


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a transport error is tried again: `attempts` in all, `backoff` seconds doubled after each."""

    attempts: int = 4
    backoff: float = 0.2
    sleep: Callable[[float], None] = time.sleep


def _block(raw: Any) -> BlockRef:
    return BlockRef(
        int(raw["number"]),
        bytes(raw["hash"]),
        bytes(raw["parentHash"]),
        int(raw["timestamp"]),
        int(raw.get("baseFeePerGas") or 0),
    )


def _log(raw: Any) -> Log:
    return Log(
        bytes.fromhex(raw["address"][2:]),
        tuple(bytes(topic) for topic in raw["topics"]),
        bytes(raw["data"]),
        int(raw["blockNumber"]),
        bytes(raw["blockHash"]),
        bytes(raw["transactionHash"]),
        int(raw["logIndex"]),
    )


def _receipt(raw: Any) -> Receipt | None:
    if raw["blockHash"] is None:
        return None  # some nodes answer so while the transaction waits
    created = raw.get("contractAddress")
    return Receipt(
        bytes(raw["transactionHash"]),
        int(raw["blockNumber"]),
        bytes(raw["blockHash"]),
        int(raw["status"]) == 1,
        int(raw["gasUsed"]),
        bytes.fromhex(created[2:]) if created else None,
        tuple(_log(log) for log in raw["logs"]),
    )


def _content(raw: Any) -> Content:
    to = raw.get("to")
    data = raw["input"] if "input" in raw else raw["data"]
    return Content(bytes.fromhex(raw["from"][2:]), bytes.fromhex(to[2:]) if to else None, bytes(data))


class Endpoint:
    """A node we ask. `by_hash` False (eth-tester) reads by number and checks the block's hash afterwards."""

    def __init__(self, w3: Web3, name: str, retry: Retry | None = None, *, by_hash: bool = True) -> None:
        self.w3 = w3
        self.name = name
        self._retry = retry or Retry()
        self._by_hash = by_hash

    def __repr__(self) -> str:
        return f"Endpoint({self.name})"

    def ask(self, question: Callable[[], T]) -> T:
        """The answer; raises Unreachable after the last attempt, or at once the typed error of a refusal.

        An answer that is not what the method returns counts as none.
        """
        pause = self._retry.backoff
        for attempt in range(self._retry.attempts):
            try:
                return question()
            except TRANSPORT_ERRORS as error:
                failure = typed(error)
            except (ValueError, TypeError, LookupError, AttributeError) as error:
                failure = Unreachable(f"{self.name}: malformed answer ({type(error).__name__})")
            if not isinstance(failure, Unreachable) or attempt + 1 == self._retry.attempts:
                raise failure from None
            self._retry.sleep(pause)
            pause *= 2
        raise Unreachable(f"{self.name}: no attempt allowed")

    def chain_id(self) -> int:
        """The chain the endpoint serves."""
        return int(self.ask(lambda: self.w3.eth.chain_id))

    def block(self, which: int | str) -> BlockRef:
        """The block with a number, or "latest", "safe", "finalized"; raises BlockUnknown."""
        block = self.ask(lambda: _found(lambda: the_block(which, _block(self.w3.eth.get_block(cast(Any, which))))))
        if block is None:
            raise BlockUnknown(f"block {which} not found")
        return block

    def transactions(self, number: int) -> tuple[SentTransaction, ...]:
        """Every transaction of a block."""

        def question() -> tuple[SentTransaction, ...]:
            raw = cast(Sequence[Any], self.w3.eth.get_block(BlockNumber(number), True)["transactions"])
            return tuple(
                SentTransaction(bytes(tx["hash"]), bytes.fromhex(tx["from"][2:]), int(tx["nonce"])) for tx in raw
            )

        return self.ask(question)

    def at(self, block: BlockRef, question: Callable[[Any], T]) -> T:
        """A state read bound to one block: `question` gets the identifier to pass on.

        Errors: BlockUnknown, BlockVanished (another block took the number's place during the read).
        """
        if self._by_hash:
            return self.ask(lambda: question({"blockHash": "0x" + block.hash.hex(), "requireCanonical": True}))
        answer = self.ask(lambda: question(block.number))
        if self.block(block.number).hash != block.hash:
            raise BlockVanished(f"block {block.number} was replaced while it was read")
        return answer

    def call(self, call: Call, block: BlockRef) -> bytes:
        """The bytes a call returns; raises Reverted."""
        fields = cast(Any, call.fields())
        return bytes(self.at(block, lambda which: self.w3.eth.call(fields, which)))

    def estimate(self, call: Call) -> int:
        """The gas a call needs on the newest state; raises Reverted."""
        return int(self.ask(lambda: self.w3.eth.estimate_gas(cast(Any, call.fields()))))

    def code(self, address: bytes, block: BlockRef) -> bytes:
        """The runtime code, empty for an account without."""
        return bytes(self.at(block, lambda which: self.w3.eth.get_code(to_checksum_address(address), which)))

    def balance(self, address: bytes, block: BlockRef) -> int:
        """The balance in wei."""
        return int(self.at(block, lambda which: self.w3.eth.get_balance(to_checksum_address(address), which)))

    def nonce(self, address: bytes, block: BlockRef) -> int:
        """How many transactions the account has sent up to the block."""
        ask = self.w3.eth.get_transaction_count
        return int(self.at(block, lambda which: ask(to_checksum_address(address), which)))

    def logs(self, addresses: Sequence[bytes], topics: Sequence[Any], first: int, last: int) -> tuple[Log, ...]:
        """Events of contracts in a range of block numbers, both ends included."""
        query: Any = {
            "address": [to_checksum_address(address) for address in addresses],
            "topics": list(topics),
            "fromBlock": first,
            "toBlock": last,
        }
        return self.ask(lambda: tuple(the_log(query, topics, _log(log)) for log in self.w3.eth.get_logs(query)))

    def receipt(self, transaction: bytes) -> Receipt | None:
        """The receipt of an included transaction, None when the node knows of none."""
        ask = self.w3.eth.get_transaction_receipt
        return self.ask(lambda: _found(lambda: the_receipt(transaction, _receipt(ask(cast(Any, transaction))))))

    def content(self, transaction: bytes) -> Content | None:
        """What a transaction asked for, None when the node knows of none."""
        return self.ask(lambda: _found(lambda: _content(self.w3.eth.get_transaction(cast(Any, transaction)))))

    def send(self, raw: bytes) -> None:
        """Hand over a signed transaction; raises AlreadyKnown, NonceTooLow, Underpriced, InsufficientFunds ..."""
        self.ask(lambda: self.w3.eth.send_raw_transaction(raw))

    def priority_fee(self) -> int:
        """The tip in wei per gas the node suggests."""
        return int(self.ask(lambda: self.w3.eth.max_priority_fee))


def _found(question: Callable[[], T]) -> T | None:
    try:
        return question()
    except (BlockNotFound, TransactionNotFound):
        return None


def connect(url: str, timeout: float = 10.0, retry: Retry | None = None) -> Endpoint:
    """An endpoint over HTTP; `timeout` in seconds for one attempt."""
    parts = urlsplit(url)
    provider = HTTPProvider(url, request_kwargs={"timeout": timeout}, exception_retry_configuration=None)
    w3 = Web3(provider)
    w3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)
    return Endpoint(w3, f"{parts.hostname}:{parts.port or parts.scheme}", retry)

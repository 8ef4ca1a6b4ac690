"""Typed errors of JSON-RPC endpoints, and the mapping from what web3 and nodes answer.

Nodes name the same cause in different words; the words known to geth, reth, anvil, Nethermind, Besu and eth-tester
stand in `_REFUSALS` and `_BLOCK_UNKNOWN`. Anything else stays an `EndpointRefused` with the node's own words.
"""

from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from requests.exceptions import RequestException
from web3.exceptions import BadResponseFormat, ContractLogicError, Web3Exception, Web3RPCError

from stun.chains.interface import ChainError
from stun.protocol.errors import Rejected

ERROR_STRING = bytes.fromhex("08c379a0")
PANIC = bytes.fromhex("4e487b71")


class Unreachable(ChainError):
    """An endpoint gave no usable answer after every retry; nothing is known about the request."""


class EndpointRefused(ChainError):
    """An endpoint answered with a JSON-RPC error. `code` and `message` are the node's own."""

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(f"{message} (code {code})")
        self.message = message
        self.code = code


class BlockUnknown(EndpointRefused):
    """The endpoint does not have the block asked for: it lags, or the block is no longer canonical."""


class AlreadyKnown(EndpointRefused):
    """The node holds this very transaction already."""


class NonceTooLow(EndpointRefused):
    """A transaction with this nonce is in the chain already."""


class Underpriced(EndpointRefused):
    """The fee is below the block's, the node's floor, or 110 % of the transaction it would replace."""


class InsufficientFunds(EndpointRefused):
    """The account cannot pay gas and value; fund it, the sender tries again by itself."""


class EndpointsDisagree(ChainError):
    """Endpoints at the same block answer differently; one of them is wrong, so nothing may be decided."""

    def __init__(self, what: str, answers: dict[str, str]) -> None:
        super().__init__(f"endpoints disagree about {what}: {answers}")
        self.what = what
        self.answers = answers


class AnswerInvalid(ChainError):
    """An answer that contradicts another of the same node, or says what the contracts cannot say."""


class BlockVanished(ChainError):
    """The block a decision was read at is not canonical any more; read again and decide again."""


class Reverted(Rejected, ChainError):
    """The contract refused. `code` is the Vyper reason string ("orders: expired"), "" where none was given.

    `data` holds the raw revert data where the node passed it on.
    """

    def __init__(self, reason: str, data: bytes = b"") -> None:
        super().__init__(reason)
        self.data = data

    @property
    def reason(self) -> str:
        """The same as `code`."""
        return self.code


_BLOCK_UNKNOWN = (
    "resource not found",
    "header not found",
    "block not found",
    "unknown block",
    "not currently canonical",
    "header for hash not found",
    "blockoutofrange",
    "world state unavailable",
    "block could not be found",
)
_REFUSALS: tuple[tuple[type[EndpointRefused], tuple[str, ...]], ...] = (
    (BlockUnknown, _BLOCK_UNKNOWN),
    (AlreadyKnown, ("already known", "already imported", "known transaction", "already exists", "alreadyknown")),
    (NonceTooLow, ("nonce too low", "nonce is too low", "oldnonce")),
    (Underpriced, ("underpriced", "fee too low", "less than block base fee", "feetoolow", "gas price too low")),
    (InsufficientFunds, ("insufficient funds", "insufficientfunds", "cannot afford")),
)
_REVERT_CODE = 3
_REVERT_WORDS = ("execution reverted", "vm execution error")
_RETRY_CODES = frozenset({-32005, -32016, 429})
_RETRY_WORDS = ("rate limit", "too many requests", "timeout", "timed out", "temporarily unavailable", "try again")


def decode_revert(data: bytes) -> str:
    """The reason string in revert data: Error(string) of Vyper, "panic: N" of Panic(uint256), else ""."""
    try:
        if data[:4] == ERROR_STRING:
            return str(decode(["string"], data[4:])[0])
        if data[:4] == PANIC and len(data) == 36:
            return f"panic: {int.from_bytes(data[4:], 'big')}"
    except (DecodingError, UnicodeDecodeError, OverflowError):
        return ""
    return ""


def refusal(message: str, code: int = 0) -> EndpointRefused:
    """The typed error for a node's error message."""
    lowered = message.lower()
    for kind, words in _REFUSALS:
        if any(word in lowered for word in words):
            return kind(message, code)
    return EndpointRefused(message, code)


def _bytes(raw: Any) -> bytes:
    """Revert data in what a node sent ("0x...", or "Reverted 0x..." of Parity's kin), empty when there is none."""
    text = str(raw)
    try:
        return bytes.fromhex(text[text.index("0x") + 2 :])
    except ValueError:
        return b""


def reverted(message: str, data: Any) -> Reverted:
    """The revert in a node's message and data; the data is believed before the message."""
    raw = _bytes(data)
    if raw:
        return Reverted(decode_revert(raw), raw)
    return Reverted(message.removeprefix("execution reverted").removeprefix(":").strip())


def _answered(body: Any) -> ChainError:
    """The typed error for the error object of a JSON-RPC answer."""
    fields = body if isinstance(body, dict) else {"message": str(body)}
    code = fields.get("code")
    code = code if isinstance(code, int) else 0
    message = str(fields.get("message", ""))
    lowered = message.lower()
    if code == _REVERT_CODE or any(word in lowered for word in _REVERT_WORDS):
        return reverted(message, fields.get("data"))
    if code in _RETRY_CODES or any(word in lowered for word in _RETRY_WORDS):
        return Unreachable(message)
    return refusal(message, code)


def typed(error: Exception) -> ChainError:
    """The typed error for whatever web3 or its transport raised; `Unreachable` means: try again."""
    if isinstance(error, ContractLogicError):
        return reverted(str(error.args[0]) if error.args else "", error.data)
    if isinstance(error, Web3RPCError):
        return _answered((error.rpc_response or {}).get("error", {"message": str(error.args[0])}))
    if isinstance(error, RequestException | BadResponseFormat | OSError):
        return Unreachable(type(error).__name__)  # its text holds the address, tokens included
    return refusal(f"{type(error).__name__}: {error}")


TRANSPORT_ERRORS = (Web3Exception, RequestException, OSError)

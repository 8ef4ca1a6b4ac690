"""What nodes say, mapped to typed errors; hostile revert data stays harmless."""

import pickle
from typing import Any

import pytest
from eth_abi.abi import encode
from requests.exceptions import ConnectionError as RequestsConnectionError
from web3.exceptions import ContractLogicError, Web3RPCError

from stun.chains.evm.errors import (
    AlreadyKnown,
    BlockUnknown,
    EndpointRefused,
    InsufficientFunds,
    NonceTooLow,
    Reverted,
    Underpriced,
    Unreachable,
    decode_revert,
    typed,
)
from stun.chains.interface import ChainError
from stun.protocol.errors import Rejected

pytestmark = pytest.mark.unit

_REASON = bytes.fromhex("08c379a0") + encode(["string"], ["orders: expired"])


def _rpc(message: Any, code: int = -32000, data: Any = None) -> Web3RPCError:
    error = {"code": code, "message": message} | ({} if data is None else {"data": data})
    return Web3RPCError(str(error), rpc_response={"jsonrpc": "2.0", "id": 1, "error": error})  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("already known", AlreadyKnown),
        ("transaction already imported", AlreadyKnown),
        ("ALREADY_EXISTS: already known", AlreadyKnown),
        ("nonce too low: next nonce 5, tx nonce 3", NonceTooLow),
        ("OldNonce", NonceTooLow),
        ("replacement transaction underpriced", Underpriced),
        ("transaction underpriced: tip needed 1", Underpriced),
        ("max fee per gas less than block base fee", Underpriced),
        ("insufficient funds for gas * price + value", InsufficientFunds),
        ("header not found", BlockUnknown),
        ("hash 0x12 is not currently canonical", BlockUnknown),
        ("Resource not found", BlockUnknown),
        ("the method does not exist", EndpointRefused),
        ("", EndpointRefused),
    ],
)
def test_a_nodes_words_become_a_type(message: str, kind: type[ChainError]) -> None:
    assert type(typed(_rpc(message))) is kind


@pytest.mark.parametrize(
    "error",
    [
        _rpc("limit exceeded", -32005),
        _rpc("Too Many Requests"),
        _rpc("request timed out"),
        RequestsConnectionError("http://host/secret-token"),
        TimeoutError("secret-token"),
    ],
)
def test_what_may_pass_is_worth_another_attempt(error: Exception) -> None:
    found = typed(error)
    assert type(found) is Unreachable
    assert "secret-token" not in str(found)


@pytest.mark.parametrize(
    "error",
    [
        ContractLogicError("execution reverted: orders: expired", "0x" + _REASON.hex()),
        ContractLogicError("execution reverted", "0x" + _REASON.hex()),
        ContractLogicError("execution reverted: orders: expired"),
        _rpc("execution reverted", 3, "0x" + _REASON.hex()),
        _rpc("VM execution error.", -32015, "Reverted 0x" + _REASON.hex()),
    ],
)
def test_a_revert_carries_the_reason_of_the_contract(error: Exception) -> None:
    found = typed(error)
    assert isinstance(found, Reverted)
    assert isinstance(found, Rejected)
    assert found.code == found.reason == "orders: expired"
    again = pickle.loads(pickle.dumps(found))
    assert (again.code, again.data) == (found.code, found.data)


@pytest.mark.parametrize(
    "data",
    [
        "0x",
        "0xzz",
        "zz",
        5,
        [],
        {},
        "0x08c379a0",
        "0x08c379a0" + "ff" * 64,
        "0x08c379a0" + "ff" * 31,
        "0x4e487b71",
        "0x08c379a0" + encode(["bytes"], [b"\xff\xfe"]).hex(),
        "0x12345678",
    ],
)
def test_hostile_revert_data_is_a_revert_without_reason(data: Any) -> None:
    for error in (_rpc("execution reverted", 3, data), ContractLogicError("execution reverted", data)):
        found = typed(error)
        assert isinstance(found, Reverted)
        assert found.code == ""


def test_a_panic_is_named_by_its_number() -> None:
    assert decode_revert(bytes.fromhex("4e487b71") + (0x11).to_bytes(32, "big")) == "panic: 17"


def test_an_error_object_that_is_none_is_a_refusal() -> None:
    odd = Web3RPCError("odd", rpc_response={"jsonrpc": "2.0", "id": 1, "error": "just text"})  # type: ignore[typeddict-item]
    assert type(typed(odd)) is EndpointRefused
    assert type(typed(Web3RPCError("odd"))) is EndpointRefused
    assert type(typed(_rpc({"nested": 1}, code="x"))) is EndpointRefused  # type: ignore[arg-type]

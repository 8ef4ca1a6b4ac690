"""Encoding and decoding by ABI, beside eth-abi and with hostile bytes."""

import pytest
from eth_utils.crypto import keccak

from stun.chains.evm.abi import Abi, AbiFunction, AbiMismatch, head_size, split_tuple, to_bytes
from stun.chains.evm.endpoint import Log

pytestmark = pytest.mark.unit

_STEP = {
    "type": "tuple",
    "name": "step",
    "components": [{"type": "uint256", "name": "size"}, {"type": "address[2]", "name": "who"}],
}
_ENTRIES = [
    {"type": "constructor", "inputs": [{"name": "owner", "type": "address"}]},
    {"type": "function", "name": "echo", "inputs": [_STEP], "outputs": [_STEP]},
    {"type": "function", "name": "pay", "inputs": [{"name": "a", "type": "uint256"}], "outputs": []},
    {
        "type": "function",
        "name": "pay",
        "inputs": [{"name": "a", "type": "uint256"}, {"name": "b", "type": "bool"}],
        "outputs": [],
    },
    {
        "type": "event",
        "name": "Paid",
        "inputs": [
            {"name": "amount", "type": "uint256", "indexed": False},
            {"name": "to", "type": "address", "indexed": True},
            {"name": "note", "type": "string", "indexed": True},
        ],
    },
]
_WHO = (b"\x11" * 20, b"\x22" * 20)


def _log(topics: tuple[bytes, ...], data: bytes) -> Log:
    return Log(b"\x01" * 20, topics, data, 1, bytes(32), bytes(32), 0)


def test_structs_and_addresses_come_back_as_they_went() -> None:
    echo = Abi(_ENTRIES).function("echo")
    assert echo.selector == keccak(text="echo((uint256,address[2]))")[:4]
    data = echo.encode((7, _WHO))
    assert echo.decode_input(data) == ((7, _WHO),)
    assert echo.decode_output(data[4:]) == (7, _WHO)


def test_default_arguments_pick_the_form_by_count() -> None:
    abi = Abi(_ENTRIES)
    assert abi.function("pay").inputs == ("uint256", "bool")
    assert abi.function("pay", 1).inputs == ("uint256",)
    assert abi.function("pay", 1).decode_output(b"") is None
    with pytest.raises(AbiMismatch):
        abi.function("pay", 3)
    with pytest.raises(AbiMismatch):
        abi.event("Missing")


def test_events_decode_in_declared_order() -> None:
    paid = Abi(_ENTRIES).event("Paid")
    log = _log((paid.topic, bytes(12) + _WHO[0], keccak(text="hello")), (9).to_bytes(32, "big"))
    assert list(paid.decode(log).items()) == [("amount", 9), ("to", _WHO[0]), ("note", keccak(text="hello"))]


@pytest.mark.parametrize(
    ("topics", "data"),
    [
        ((), bytes(32)),
        ((bytes(32),), bytes(32)),
        ((Abi(_ENTRIES).event("Paid").topic,), bytes(32)),
        ((Abi(_ENTRIES).event("Paid").topic, bytes(32), bytes(32)), bytes(31)),
        ((Abi(_ENTRIES).event("Paid").topic, b"\xff" * 32, bytes(32)), bytes(32)),
    ],
)
def test_a_log_that_does_not_fit_is_refused(topics: tuple[bytes, ...], data: bytes) -> None:
    with pytest.raises(AbiMismatch):
        Abi(_ENTRIES).event("Paid").decode(_log(topics, data))


@pytest.mark.parametrize("data", [b"", bytes(31), b"\xff" * 32])
def test_results_that_do_not_decode_are_refused(data: bytes) -> None:
    with pytest.raises(AbiMismatch):
        AbiFunction("owner", (), ("address",)).decode_output(data)


def test_calldata_of_another_function_is_refused() -> None:
    abi = Abi(_ENTRIES)
    with pytest.raises(AbiMismatch):
        abi.function("echo").decode_input(abi.function("pay").encode(1, True))


def test_the_constructor_counts_its_arguments() -> None:
    assert Abi(_ENTRIES).encode_constructor([_WHO[0]]) == bytes(12) + _WHO[0]
    with pytest.raises(AbiMismatch):
        Abi(_ENTRIES).encode_constructor([])
    assert Abi([]).encode_constructor([]) == b""


def test_nested_tuples_split_at_their_own_commas() -> None:
    assert split_tuple("(uint256,(bool,address)[],bytes)") == ["uint256", "(bool,address)[]", "bytes"]
    assert to_bytes(((True, "0x" + "11" * 20),), "(bool,address)[]") == ((True, _WHO[0]),)


@pytest.mark.parametrize(
    ("kind", "size"),
    [
        ("uint8", 32),
        ("bytes", 32),
        ("uint256[3]", 96),
        ("uint256[]", 32),
        ("(bool,address[2])", 96),
        ("(bool,bytes)", 32),
        ("bytes[2]", 32),
        ("(bool,(bool,bool))[2][3]", 576),
    ],
)
def test_heads_have_the_size_of_what_is_static(kind: str, size: int) -> None:
    assert head_size(kind) == size


@pytest.mark.parametrize("kind", ["uint256", "uint64[2]", "(bool,uint256)"])
def test_an_answer_too_short_is_never_read_as_zero(kind: str) -> None:
    function = AbiFunction("balance", (), (kind,))
    assert function.decode_output(bytes(head_size(kind))) is not None
    for length in (0, 31, head_size(kind) - 32, head_size(kind) - 1):
        with pytest.raises(AbiMismatch):
            function.decode_output(bytes(length))

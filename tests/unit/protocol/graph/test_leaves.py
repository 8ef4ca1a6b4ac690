"""Leaves of the graph tree by hand, dims, and what is no leaf."""

from dataclasses import fields, replace

import pytest

from stun.protocol.errors import Rejected
from stun.protocol.graph.operators import NONE, Opcode, Operator, decode_operator, per_row, resolve_dim
from stun.protocol.graph.referee import predecessors, units
from stun.protocol.graph.structure import Header, UnitRule, decode_header
from stun.protocol.graph.tensors import Shape

pytestmark = pytest.mark.unit

EVERY_FIELD = Operator(
    index=0x0102, opcode=3, dtype=2, rows=0x8000000C, cols=0x00000180, a=0x0304, b=0x0506, w0=0x0708, w1=0x090A, mode=1,
    shift=33, shift2=34, tails=1, lut_bits=13, lut_step=6, groups=0x0B0C, lo=-2, hi=0x0D0E0F10, column=0x1112,
    width=0x1314, out_width=0x1516, kernel=0x17, stride=0x18, pad=0x19,
)  # fmt: skip
LEAF = bytes.fromhex(
    "0102 03 02 8000000c 00000180 0304 0506 0708 090a 01 21 22 01 0d 06 0b0c fffffffe 0d0e0f10"
    "1112 1314 1516 17 18 19 000000"
)


def test_a_leaf_by_hand() -> None:
    assert len(LEAF) == 48
    assert EVERY_FIELD.encode() == LEAF
    assert decode_operator(LEAF) == EVERY_FIELD
    assert Operator(1, 8, 2, 3, 4, a=0).encode().hex() == ("0001080200000003000000040000ffffffffffff" + "00" * 28)


def test_every_field_has_its_own_place() -> None:
    leaves = {
        replace(EVERY_FIELD, **{f.name: getattr(EVERY_FIELD, f.name) ^ 1}).encode()
        for f in fields(Operator)
        if f.name != "opcode"
    }
    assert len(leaves | {LEAF}) == len(fields(Operator))


@pytest.mark.parametrize(
    "leaf", [b"", LEAF[:-1], LEAF + b"\0", LEAF[:2] + b"\0" + LEAF[3:], LEAF[:2] + b"\x0e" + LEAF[3:]]
)
def test_what_is_no_leaf(leaf: bytes) -> None:
    with pytest.raises(Rejected, match=r"^graph: leaf$"):
        decode_operator(leaf)
    with pytest.raises(Rejected, match=r"^graph: leaf$"):
        predecessors(leaf)


@pytest.mark.parametrize("change", [{"index": 65_536}, {"lo": 2**31}, {"rows": 2**32}, {"pad": -1}, {"shift": 256}])
def test_a_field_that_does_not_fit_its_place(change: dict[str, int]) -> None:
    with pytest.raises(Rejected, match=r"^graph: leaf$"):
        replace(EVERY_FIELD, **change).encode()


def test_what_a_leaf_names() -> None:
    assert predecessors(LEAF) == (0x0304, 0x0506)
    assert predecessors(Operator(1, Opcode.GATHER, 2, 3, 4, a=0).encode()) == (0,)
    assert predecessors(Operator(1, Opcode.GATHER, 2, 3, 4).encode()) == ()
    assert EVERY_FIELD.weights == (0x0708, 0x090A)
    assert Operator(1, 2, 2, 3, 4, w0=5).weights == (5,)
    assert NONE == 65_535


def test_only_products_go_to_the_linear_referee() -> None:
    assert [op for op in Opcode if Operator(1, op, 1, 1, 1).is_linear] == [Opcode.LINEAR, Opcode.MATMUL]


def test_dims_are_constants_or_multiples_of_the_rows() -> None:
    assert [resolve_dim(7, n) for n in (1, 5)] == [7, 7]
    assert [resolve_dim(per_row(7), n) for n in (1, 5)] == [7, 35]
    assert EVERY_FIELD.shape(5) == Shape(2, 60, 384)


HEADER = Header(UnitRule.ROWS, 84, 60, 1, 256)
HEADER_LEAF = b"STUN" + bytes.fromhex("01 01 0054 003c 00000001 00000100")


def test_a_header_by_hand_and_its_units() -> None:
    assert HEADER.encode() == HEADER_LEAF
    assert decode_header(HEADER_LEAF) == HEADER
    assert units(HEADER_LEAF, 37) == 37
    assert units(replace(HEADER, unit_rule=UnitRule.ONE).encode(), 37) == 1


@pytest.mark.parametrize(
    "leaf",
    [
        b"", HEADER_LEAF[:-1], HEADER_LEAF + b"\0", b"stun" + HEADER_LEAF[4:],
        HEADER_LEAF[:4] + b"\2" + HEADER_LEAF[5:], HEADER_LEAF[:5] + b"\2" + HEADER_LEAF[6:],
    ],
)  # fmt: skip
def test_what_is_no_header(leaf: bytes) -> None:
    with pytest.raises(Rejected, match=r"^graph: header$"):
        units(leaf, 1)

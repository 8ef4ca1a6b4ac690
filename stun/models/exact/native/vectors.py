"""Writing LLVM vectors by hand, where loops alone would not reach the processor's multiply-add instructions.

Everything but `dot_bytes` is portable LLVM, which lowers it to whatever vectors the processor has. Addresses are
integers, as in `array.ctypes.data`; loads and stores assume no alignment.
"""

from collections.abc import Sequence
from typing import Any

import llvmlite.binding
from llvmlite import ir

I8, I16, I32, I64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))
LANES = 16
WORDS = ir.VectorType(I32, LANES)
_BYTES = ir.VectorType(I8, 4 * LANES)
_HALVES = ir.VectorType(I16, 2 * LANES)
_WIDE = ir.VectorType(I32, 2 * LANES)
_POINTER = ir.PointerType()

_FEATURES = llvmlite.binding.get_host_cpu_features()
HAS_AVX512: bool = all(_FEATURES.get(name, False) for name in ("avx512f", "avx512bw", "avx512vl"))
HAS_VNNI: bool = HAS_AVX512 and bool(_FEATURES.get("avx512vnni", False))


def load(builder: Any, address: Any, kind: Any = WORDS) -> Any:
    """The value at an address."""
    value = builder.load(builder.inttoptr(address, _POINTER), typ=kind)
    value.align = 1
    return value


def store(builder: Any, value: Any, address: Any) -> None:
    """Write a value to an address."""
    builder.store(value, builder.inttoptr(address, _POINTER)).align = 1


def at(builder: Any, address: Any, offset: int) -> Any:
    """An address `offset` bytes further."""
    return builder.add(address, I64(offset))


def splat(builder: Any, scalar: Any) -> Any:
    """A vector of 16 equal words."""
    empty = ir.Constant(WORDS, ir.Undefined)
    first = builder.insert_element(empty, scalar, I32(0))
    return builder.shuffle_vector(first, empty, ir.Constant(WORDS, [0] * LANES))


def constant(value: int) -> Any:
    """A vector of 16 equal constant words."""
    return ir.Constant(WORDS, [value] * LANES)


def dot_bytes(builder: Any, total: Any, unsigned: Any, signed: Any) -> Any:
    """total + four products of bytes in each word, exact (AVX-512 VNNI; it wraps only past 2^31)."""
    kind = ir.FunctionType(WORDS, [WORDS, _BYTES, _BYTES])
    instruction = builder.module.declare_intrinsic("llvm.x86.avx512.vpdpbusd.512", (), kind)
    return builder.call(instruction, [total, builder.bitcast(unsigned, _BYTES), builder.bitcast(signed, _BYTES)])


def dot_halves(builder: Any, total: Any, left: Any, right: Any) -> Any:
    """total + two products of int16 in each word, exact unless both are -32768 twice (any processor)."""
    sides = [builder.sext(builder.bitcast(side, _HALVES), _WIDE) for side in (left, right)]
    products = builder.mul(*sides)
    even, odd = (_every_second(builder, products, first) for first in (0, 1))
    return builder.add(total, builder.add(even, odd))


def _every_second(builder: Any, wide: Any, first: int) -> Any:
    places = ir.Constant(WORDS, list(range(first, 2 * LANES, 2)))
    return builder.shuffle_vector(wide, ir.Constant(_WIDE, ir.Undefined), places)


class Loop:
    """A counted loop that carries vectors: enter it, compute the next ones, leave with what they ended as."""

    def __init__(self, builder: Any, count: Any, carried: Sequence[Any]) -> None:
        """Start at 0; `count` is at least 1. `index` and `carried` are this round's values."""
        self._builder, self._count, before = builder, count, builder.block
        self._body, self._after = builder.append_basic_block("body"), builder.append_basic_block("after")
        builder.branch(self._body)
        builder.position_at_end(self._body)
        self.index = builder.phi(I64)
        self.index.add_incoming(I64(0), before)
        self.carried = [builder.phi(value.type) for value in carried]
        for phi, value in zip(self.carried, carried, strict=True):
            phi.add_incoming(value, before)

    def leave(self, following: Sequence[Any]) -> Sequence[Any]:
        """Go round again with the values that follow, `count` times in all; returns the last ones."""
        further = self._builder.add(self.index, I64(1))
        self.index.add_incoming(further, self._body)
        for phi, value in zip(self.carried, following, strict=True):
            phi.add_incoming(value, self._body)
        again = self._builder.icmp_signed("<", further, self._count)
        self._builder.cbranch(again, self._body, self._after)
        self._builder.position_at_end(self._after)
        return following

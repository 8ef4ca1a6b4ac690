"""SHA-256 of sixteen equally long messages at a time, one in each lane of a vector. Source: FIPS 180-4.

`hash_messages` is for the protocol's trees: a message is two tag bytes and a body; int16 bodies lie in memory as the
processor keeps them (little endian) and are hashed big endian, as the protocol writes integers.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from stun.models.exact.native import vectors as v
from stun.models.exact.native.compiling import compiled

DIGEST, BLOCK, PREFIX = 32, 64, 2
LANES = v.LANES


def _primes(count: int) -> list[int]:
    found: list[int] = []
    number = 2
    while len(found) < count:
        if all(number % prime for prime in found):
            found.append(number)
        number += 1
    return found


def _root_fraction(number: int, power: int) -> int:
    """The first 32 bits of the fraction of a square or cube root, in integers."""
    low, high = 0, number << 32
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**power <= number << 32 * power else (low, middle)
    return low & 0xFFFFFFFF


ROUNDS = [_root_fraction(prime, 3) for prime in _primes(64)]
INITIAL = np.repeat(np.array([_root_fraction(prime, 2) for prime in _primes(8)], np.uint32), LANES)


def _compressing(_typing: Any, state: Any, words: Any) -> Any:
    """Mix one block into the state: addresses of [8][16] and of [16][16] words."""

    def emit(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        start, schedule = (
            [v.load(builder, v.at(builder, address, BLOCK * row)) for row in range(rows)]
            for address, rows in zip(arguments, (8, 16), strict=True)
        )
        final = list(start)
        for number in range(64):
            if number >= 16:
                schedule.append(_extend(builder, schedule))
            final = _round(builder, final, builder.add(schedule[number], v.constant(ROUNDS[number])))
        for row, (old, new) in enumerate(zip(start, final, strict=True)):
            v.store(builder, builder.add(old, new), v.at(builder, arguments[0], BLOCK * row))
        return context.get_dummy_value()

    return types.void(types.intp, types.intp), emit


def _extend(builder: Any, words: list[Any]) -> Any:
    early, late = words[-15], words[-2]
    small = builder.xor(_turns(builder, early, 7, 18), builder.lshr(early, v.constant(3)))
    large = builder.xor(_turns(builder, late, 17, 19), builder.lshr(late, v.constant(10)))
    return builder.add(builder.add(words[-16], small), builder.add(words[-7], large))


def _round(builder: Any, state: list[Any], word: Any) -> list[Any]:
    a, b, c, d, e, f, g, h = state
    choice = builder.xor(g, builder.and_(e, builder.xor(f, g)))
    majority = builder.or_(builder.and_(a, b), builder.and_(c, builder.or_(a, b)))
    first = builder.add(builder.add(h, _turns(builder, e, 6, 11, 25)), builder.add(choice, word))
    second = builder.add(_turns(builder, a, 2, 13, 22), majority)
    return [builder.add(first, second), a, b, c, builder.add(d, first), e, f, g]


def _turns(builder: Any, word: Any, *bits: int) -> Any:
    """The word turned right by each number of bits, xored."""
    turned = [builder.or_(builder.lshr(word, v.constant(bit)), builder.shl(word, v.constant(32 - bit))) for bit in bits]
    total = turned[0]
    for each in turned[1:]:
        total = builder.xor(total, each)
    return total


def _transpose(width: int) -> Any:
    @intrinsic
    def transpose(_typing: Any, words: Any, addresses: Any, offset: Any) -> Any:
        """Word t of lane l of [16][16]: big endian bytes 4t of the block `offset` bytes into message l."""

        def emit(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            target, table, offset = arguments
            rows = []
            for lane in range(LANES):
                message = v.load(builder, v.at(builder, table, 8 * lane), v.I64)
                rows.append(_ordered(builder, v.load(builder, builder.add(message, offset)), width))
            for number, row in enumerate(_turned(builder, rows)):
                v.store(builder, row, v.at(builder, target, BLOCK * number))
            return context.get_dummy_value()

        return types.void(types.intp, types.intp, types.intp), emit

    return transpose


def _ordered(builder: Any, words: Any, width: int) -> Any:
    """Words as big endian: bytes reversed, or int16 changed places."""
    halves = builder.or_(builder.lshr(words, v.constant(16)), builder.shl(words, v.constant(16)))
    if width == 2:
        return halves
    high, low = v.constant(0xFF00FF00), v.constant(0x00FF00FF)
    left = builder.and_(builder.shl(halves, v.constant(8)), high)
    return builder.or_(left, builder.and_(builder.lshr(halves, v.constant(8)), low))


def _turned(builder: Any, rows: list[Any]) -> list[Any]:
    """The transpose of 16 vectors: four rounds of interleaving halves."""
    kind = ir.VectorType(v.I32, LANES)
    low = ir.Constant(kind, [place // 2 + (place & 1) * LANES for place in range(LANES)])
    high = ir.Constant(kind, [8 + place // 2 + (place & 1) * LANES for place in range(LANES)])
    for _ in range(4):
        pairs = [(rows[number], rows[number + 8]) for number in range(8)]
        rows = [builder.shuffle_vector(*pair, places) for pair in pairs for places in (low, high)]
    return rows


def _copying(_typing: Any, target: Any, source: Any) -> Any:
    """Copy 64 bytes."""

    def emit(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        v.store(builder, v.load(builder, arguments[1]), arguments[0])
        return context.get_dummy_value()

    return types.void(types.intp, types.intp), emit


def _reading(_typing: Any, address: Any) -> Any:
    def emit(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return v.load(builder, arguments[0], v.I8)

    return types.uint8(types.intp), emit


_compress: Any = intrinsic(_compressing)
_read_byte: Any = intrinsic(_reading)
_copy_block: Any = intrinsic(_copying)
_transpose_bytes, _transpose_halves = _transpose(1), _transpose(2)
_LINE = 3 * BLOCK  # a lane's edge block in the middle: whole blocks may be copied over either end


@compiled
def hash_messages(
    addresses: NDArray[np.int64], length: int, width: int, tag: int, kind: int, digests: NDArray[np.uint8]
) -> None:
    """digests[i] = sha256(tag | kind | `length` bytes at addresses[i]), elements of `width` bytes (1 or 2) turned."""
    state, words, table = np.empty(8 * LANES, np.uint32), np.empty(16 * LANES, np.uint32), np.empty(LANES, np.int64)
    edges, edge_table = np.empty(LANES * _LINE, np.uint8), np.empty(LANES, np.int64)
    for lane in range(LANES):
        edge_table[lane] = edges.ctypes.data + _LINE * lane + BLOCK
    blocks = (PREFIX + length + 9 + BLOCK - 1) // BLOCK
    for first in range(0, len(addresses), LANES):
        for lane in range(LANES):
            table[lane] = addresses[min(first + lane, len(addresses) - 1)]
        state[:] = INITIAL
        for block in range(blocks):
            start = block * BLOCK - PREFIX
            if start >= 0 and start + BLOCK <= length:
                source, offset = table.ctypes.data, start
            else:
                _fill_edges(edges, table, start, length, width - 1, tag, kind, block == blocks - 1)
                source, offset = edge_table.ctypes.data, 0
            if width == 1:
                _transpose_bytes(words.ctypes.data, source, offset)
            else:
                _transpose_halves(words.ctypes.data, source, offset)
            _compress(state.ctypes.data, words.ctypes.data)
        _write_digests(state, digests, first)


@compiled
def _fill_edges(
    edges: NDArray[np.uint8], table: NDArray[np.int64], start: int, length: int, turn: int, tag: int, kind: int,
    is_last: bool,
) -> None:  # fmt: skip
    """The blocks, one a lane, that hold more than body: tags before it, or the end mark and the bit length after it."""
    begin, end = max(start, 0), min(start + BLOCK, length)
    for lane in range(LANES):
        line = edges[_LINE * lane + BLOCK : _LINE * lane + 3 * BLOCK]
        if length < BLOCK:
            for place in range(begin, end):
                line[place - start] = _read_byte(table[lane] + place)
        elif start < 0:
            _copy_block(line.ctypes.data + PREFIX, table[lane])
        elif end > start:  # the last bytes of the body; those before them fall into the gap before the line
            _copy_block(line.ctypes.data + end - start - BLOCK, table[lane] + end - BLOCK)
        if start < 0:
            line[0 ^ turn], line[1 ^ turn] = tag, kind
        if end < start + BLOCK:
            line[max(end, begin) - start : BLOCK] = 0
            if start <= length:
                line[(length - start) ^ turn] = 0x80
        if is_last:
            bits = (PREFIX + length) * 8
            for place in range(4):
                line[(BLOCK - 1 - place) ^ turn] = (bits >> 8 * place) & 0xFF


@compiled
def hash_rows(
    base: int, length: int, width: int, tag: int, kind: int, digests: NDArray[np.uint8], first: int, end: int
) -> None:
    """As `hash_messages`, into digests[first:end], of messages one after the other from address `base` on."""
    hash_messages(base + np.arange(end - first) * length, length, width, tag, kind, digests[first:end])


@compiled
def hash_trees(nodes: NDArray[np.uint8], counts: NDArray[np.int64], tag: int, kind: int) -> None:
    """Every tree's top: `nodes` holds the trees' leaves, one tree after the other; tree t's top ends in nodes[t]."""
    width = counts.copy()
    size, most = 2 * DIGEST, np.max(counts)
    while most > 1:
        pairs = np.empty(np.sum(width >> 1), np.int64)
        start = found = 0
        for tree in range(len(width)):
            for pair in range(width[tree] >> 1):
                pairs[found] = nodes.ctypes.data + (start + 2 * pair) * DIGEST
                found += 1
            start += width[tree]
        hashed = np.empty((len(pairs), DIGEST), np.uint8)
        hash_messages(pairs, size, 1, tag, kind, hashed)
        start = found = written = 0
        for tree in range(len(width)):
            half = width[tree] >> 1
            nodes[written : written + half] = hashed[found : found + half]
            if width[tree] & 1:
                nodes[written + half] = nodes[start + width[tree] - 1]
            start, found, written = start + width[tree], found + half, written + width[tree] - half
            width[tree] -= half
        most = np.max(width)


@compiled
def _write_digests(state: NDArray[np.uint32], digests: NDArray[np.uint8], first: int) -> None:
    for lane in range(min(LANES, len(digests) - first)):
        for word in range(8):
            value = state[word * LANES + lane]
            for place in range(4):
                digests[first + lane, 4 * word + place] = (value >> np.uint32(24 - 8 * place)) & np.uint32(0xFF)

# pragma version ~=0.4.3
"""
@title Sums over rows in the calldata
@custom:contract-name packed_rows
@license GNU Affero General Public License v3.0 only
@notice Many elements at a time. Words are taken as limbs; the product of one word's limbs with another's in reverse has in its
        top limb the sum of the limbs' products. Limbs are wide enough for the sums of any row of 4,096 bytes; where they
        are signed, what lower limbs borrow is less than half a unit of the top one, and half a unit is added.
@dev A row that is no whole number of words is taken from before its beginning, and the first word moved up by what is not
     the row's; the bytes that move in are elements of value 0. An element is unsigned with 2^7 or 2^15 added, by its sign
     bit. Nothing overflows: bounds are in the functions' notes.
"""

BYTE_SIGNS: constant(uint256) = max_value(uint256) // (2**8 - 1) * 2**7
SHORT_SIGNS: constant(uint256) = max_value(uint256) // (2**16 - 1) * 2**15
ONES: constant(uint256) = max_value(uint256) // (2**32 - 1)
BYTES: constant(uint256) = max_value(uint256) // (2**32 - 1) * (2**8 - 1)
BYTE_ZEROS: constant(uint256) = max_value(uint256) // (2**32 - 1) * 2**7
SHORTS: constant(uint256) = max_value(uint256) // (2**32 - 1) * (2**16 - 1)
BORROWS: constant(uint256) = max_value(uint256) // (2**32 - 1) * 2**16
WIDE_BYTES: constant(uint256) = max_value(uint256) // (2**64 - 1) * (2**8 - 1)
WIDE_BYTE_ZEROS: constant(uint256) = max_value(uint256) // (2**64 - 1) * 2**7
WIDE_SHORTS: constant(uint256) = max_value(uint256) // (2**64 - 1) * (2**16 - 1)
WIDE_SHORT_ZEROS: constant(uint256) = max_value(uint256) // (2**64 - 1) * 2**15
HALF: constant(uint256) = 2**128 - 1
EIGHTHS: constant(uint256) = max_value(uint256) // (2**64 - 1) * (2**32 - 1)  # the lower 32 of every 64 bits
QUARTERS: constant(uint256) = max_value(uint256) // (2**128 - 1) * (2**64 - 1)
SPARSE_EIGHTHS: constant(uint256) = max_value(uint256) // (2**128 - 1) * (2**32 - 1)


@internal
@view
def dot(x_at: uint256, y_at: uint256, count: uint256) -> int256:
    """
    @notice Returns the sum of products of two runs of int8.
    @dev Four times eight signed limbs of 32 bits a word. A sum is at most 2^26.
    @param x_at Where the first begins.
    @param y_at Where the second begins.
    @param count Elements of each, at most 4,096.
    """
    products: uint256 = 0
    skip: uint256 = unsafe_sub(0, count) % 32
    for word: uint256 in range((count + 31) // 32, bound=128):
        at: uint256 = unsafe_sub(unsafe_mul(32, word), skip)
        x: uint256 = convert(slice(msg.data, unsafe_add(x_at, at), 32), uint256)
        y: uint256 = convert(slice(msg.data, unsafe_add(y_at, at), 32), uint256)
        if word == 0:
            x <<= 8 * skip
            y <<= 8 * skip
        x ^= BYTE_SIGNS
        y ^= BYTE_SIGNS
        y = (y << 128) | (y >> 128)
        y = ((y & QUARTERS) << 64) | ((y >> 64) & QUARTERS)
        y = ((y & EIGHTHS) << 32) | ((y >> 32) & EIGHTHS)
        products = unsafe_add(
            unsafe_add(
                unsafe_add(products, unsafe_mul(unsafe_sub(x & BYTES, BYTE_ZEROS), unsafe_sub(y & BYTES, BYTE_ZEROS))),
                unsafe_mul(unsafe_sub((x >> 8) & BYTES, BYTE_ZEROS), unsafe_sub((y >> 8) & BYTES, BYTE_ZEROS)),
            ),
            unsafe_add(
                unsafe_mul(unsafe_sub((x >> 16) & BYTES, BYTE_ZEROS), unsafe_sub((y >> 16) & BYTES, BYTE_ZEROS)),
                unsafe_mul(unsafe_sub((x >> 24) & BYTES, BYTE_ZEROS), unsafe_sub((y >> 24) & BYTES, BYTE_ZEROS)),
            ),
        )
    return convert(convert(unsafe_add(products, 2**223), bytes32), int256) >> 224


@internal
@view
def dot_wide(x_at: uint256, y_at: uint256, count: uint256) -> int256:
    """
    @notice Returns the sum of products of a run of int16 and one of int8.
    @dev Four times four signed limbs of 64 bits a word. A sum is at most 2^33.
    @param x_at Where the int16 begin.
    @param y_at Where the int8 begin.
    @param count Elements of each, at most 2,048.
    """
    products: uint256 = 0
    skip: uint256 = unsafe_sub(0, count) % 16
    for word: uint256 in range((count + 15) // 16, bound=128):
        at: uint256 = unsafe_sub(unsafe_mul(16, word), skip)
        x: uint256 = convert(slice(msg.data, unsafe_add(x_at, unsafe_mul(2, at)), 32), uint256)
        y: uint256 = convert(slice(msg.data, unsafe_sub(unsafe_add(y_at, at), 16), 32), uint256)
        if word == 0:
            x <<= 16 * skip
            y <<= 8 * skip
        x ^= SHORT_SIGNS
        y = (y & HALF) ^ (BYTE_SIGNS >> 128)
        y = ((y & (2**64 - 1)) << 128) | (y >> 64)
        y = ((y & SPARSE_EIGHTHS) << 64) | ((y >> 32) & SPARSE_EIGHTHS)
        p0: uint256 = self._wide_product(x, y)
        p1: uint256 = self._wide_product(x >> 16, y >> 8)
        p2: uint256 = self._wide_product(x >> 32, y >> 16)
        p3: uint256 = self._wide_product(x >> 48, y >> 24)
        products = unsafe_add(products, unsafe_add(unsafe_add(p0, p1), unsafe_add(p2, p3)))
    return convert(convert(unsafe_add(products, 2**191), bytes32), int256) >> 192


@internal
@pure
def _wide_product(x: uint256, y: uint256) -> uint256:
    """
    @notice Multiplies the lowest 16 bits of every 64 with the lowest 8, both with their offsets.
    """
    return unsafe_mul(
        unsafe_sub(x & WIDE_SHORTS, WIDE_SHORT_ZEROS), unsafe_sub(y & WIDE_BYTES, WIDE_BYTE_ZEROS)
    )


@internal
@view
def moments(a_at: uint256, b_at: uint256, count: uint256) -> (int256, int256):
    """
    @notice Returns sum and sum of squares of the sums of two rows of int16.
    @dev Sums of two are below 2^17; their squares are added in four unsigned limbs of 64 bits.
    @param a_at Where the first row begins.
    @param b_at Where the second row begins.
    @param count Elements of each, at most 2,048.
    """
    lanes: uint256 = 0
    products: uint256 = 0
    skip: uint256 = 2 * (unsafe_sub(0, count) % 16)
    for word: uint256 in range((count + 15) // 16, bound=128):
        at: uint256 = unsafe_sub(unsafe_mul(32, word), skip)
        a: uint256 = convert(slice(msg.data, unsafe_add(a_at, at), 32), uint256)
        b: uint256 = convert(slice(msg.data, unsafe_add(b_at, at), 32), uint256)
        if word == 0:
            a <<= 8 * skip
            b <<= 8 * skip
        a ^= SHORT_SIGNS
        b ^= SHORT_SIGNS
        even: uint256 = unsafe_add(a & SHORTS, b & SHORTS)
        odd: uint256 = unsafe_add((a >> 16) & SHORTS, (b >> 16) & SHORTS)
        lanes = unsafe_add(lanes, unsafe_add(even, odd))
        products = unsafe_add(products, unsafe_add(self._squares(even), self._squares(odd)))
    total: int256 = convert(unsafe_mul(lanes, ONES) >> 224, int256)
    number: int256 = convert(count + skip // 2, int256)
    return total - 2**16 * number, convert(products >> 192, int256) - 2**17 * total + 2**32 * number


@internal
@pure
def _squares(lanes: uint256) -> uint256:
    """
    @notice Returns a word whose top 64 bits are the sum of the squares of eight lanes of 32 bits.
    """
    turned: uint256 = (lanes << 128) | (lanes >> 128)
    turned = ((turned & QUARTERS) << 64) | ((turned >> 64) & QUARTERS)
    low: uint256 = unsafe_mul(lanes & EIGHTHS, turned & EIGHTHS)
    return unsafe_add(low, unsafe_mul((lanes >> 32) & EIGHTHS, (turned >> 32) & EIGHTHS))


@internal
@view
def total(at: uint256, size: uint256, count: uint256) -> int256:
    """
    @notice Returns the sum of a row's elements.
    @param at Where it begins.
    @param size Bytes of an element: 1, 2 or 4.
    @param count Its elements; at most 4,096 bytes.
    """
    sum: int256 = 0
    bits: uint256 = 8 * size
    skip: uint256 = unsafe_sub(0, size * count) % 32
    for word: uint256 in range((size * count + 31) // 32, bound=128):
        x: int256 = convert(slice(msg.data, unsafe_add(at, unsafe_sub(unsafe_mul(32, word), skip)), 32), int256)
        if word == 0:
            x = x << (8 * skip)
        for _lane: uint256 in range(32 // size, bound=32):
            sum = unsafe_add(sum, x >> unsafe_sub(256, bits))
            x = x << bits
    return sum


@internal
@view
def largest(at: uint256, count: uint256) -> uint256:
    """
    @notice Returns the largest element of a row of int16, with 2^15 added.
    @dev Eight lanes of 32 bits are compared at once: bit 16 of (2^16 + x - y) says whether x >= y.
    @param at Where it begins.
    @param count Its elements, at most 2,048.
    """
    lanes: uint256 = 0
    skip: uint256 = 2 * (unsafe_sub(0, count) % 16)
    for word: uint256 in range((count + 15) // 16, bound=128):
        x: uint256 = convert(slice(msg.data, unsafe_add(at, unsafe_sub(unsafe_mul(32, word), skip)), 32), uint256)
        x ^= SHORT_SIGNS
        if word == 0:
            x <<= 8 * skip  # lanes that move in are below every element
        lanes = self._larger(self._larger(lanes, x & SHORTS), (x >> 16) & SHORTS)
    found: uint256 = 0
    for _lane: uint256 in range(8):
        found = max(found, lanes & (2**16 - 1))
        lanes >>= 32
    return found


@internal
@pure
def _larger(x: uint256, y: uint256) -> uint256:
    kept: uint256 = unsafe_mul((unsafe_sub(x | BORROWS, y) & BORROWS) >> 16, 2**16 - 1)
    return y ^ ((x ^ y) & kept)

"""BN254 (alt_bn128): points as integers, and whether a product of pairings is one.

A point of G1 is (x, y), a point of G2 is (x1, x0, y1, y0) with the imaginary part of each coordinate first, as drand
and the EVM's precompiles write it. py_ecc does the arithmetic; it knows nothing of encodings, which are checked here.
Source: EIP-196 and EIP-197.
"""

import sys
from collections.abc import Iterable

_LIMIT = sys.getrecursionlimit()
from py_ecc.fields import optimized_bn128_FQ as FQ  # noqa: E402
from py_ecc.fields import optimized_bn128_FQ2 as FQ2  # noqa: E402
from py_ecc.fields import optimized_bn128_FQ12 as FQ12  # noqa: E402
from py_ecc.optimized_bn128 import optimized_curve as curve  # noqa: E402
from py_ecc.optimized_bn128.optimized_pairing import final_exponentiate, pairing  # noqa: E402

sys.setrecursionlimit(_LIMIT)  # py_ecc raises it for the whole process, past the end of the C stack

P = int(curve.field_modulus)
ORDER = int(curve.curve_order)
G2 = (
    11559732032986387107991004021392285783925812861821192530917403151452391805634,
    10857046999023057135944570762232829481370756359578518086990519993285655852781,
    4082367875863433681332203403145435568316851327593401208105741076214120093531,
    8495653923123431417604973247489272438418190587263600148770280649306958101930,
)
PointG1 = tuple[int, int]
PointG2 = tuple[int, int, int, int]


def is_g1(point: PointG1) -> bool:
    """Whether a point is on the curve, its coordinates below P, and not the point at infinity; all such are in G1."""
    return all(0 <= word < P for word in point) and bool(curve.is_on_curve(_g1(point), curve.b))


def is_g2(point: PointG2) -> bool:
    """Whether a point is on the twisted curve, its coordinates below P, in the subgroup of ORDER, and not infinity."""
    if not all(0 <= word < P for word in point) or not curve.is_on_curve(_g2(point), curve.b2):
        return False
    return bool(curve.is_inf(curve.multiply(_g2(point), ORDER)))


def negated(point: PointG1) -> PointG1:
    """Return -point of G1."""
    return point[0], (P - point[1]) % P


def add_g1(first: PointG1, second: PointG1) -> PointG1:
    """Return the sum of two points of G1 that are not each other's negatives."""
    return _affine(curve.add(_g1(first), _g1(second)))


def multiply_g1(point: PointG1, factor: int) -> PointG1:
    """Return a multiple of a point of G1; `factor` in [1, ORDER)."""
    return _affine(curve.multiply(_g1(point), factor))


def multiply_g2(point: PointG2, factor: int) -> PointG2:
    """Return a multiple of a point of G2; `factor` in [1, ORDER)."""
    x, y = curve.normalize(curve.multiply(_g2(point), factor))
    return int(x.coeffs[1]), int(x.coeffs[0]), int(y.coeffs[1]), int(y.coeffs[0])


def pairings_are_one(pairs: Iterable[tuple[PointG1, PointG2]]) -> bool:
    """Whether the product of e(a, b) over pairs of points of G1 and G2 is one."""
    product = FQ12.one()
    for one, other in pairs:
        product = product * pairing(_g2(other), _g1(one), final_exponentiate=False)
    return bool(final_exponentiate(product) == FQ12.one())


def _g1(point: PointG1) -> tuple[FQ, FQ, FQ]:
    return FQ(point[0]), FQ(point[1]), FQ.one()


def _g2(point: PointG2) -> tuple[FQ2, FQ2, FQ2]:
    return FQ2([point[1], point[0]]), FQ2([point[3], point[2]]), FQ2.one()


def _affine(point: tuple[FQ, FQ, FQ]) -> PointG1:
    x, y = curve.normalize(point)
    return int(x), int(y)

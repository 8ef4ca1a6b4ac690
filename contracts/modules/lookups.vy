# pragma version ~=0.4.3
"""
@title Tables of a Lut
@custom:contract-name lookups
@license GNU Affero General Public License v3.0 only
@notice stun/protocol/graph/elements.py: the entry's row is opened also where the value is outside the table.
"""

from . import disputed_operator as operator
from . import evidence_numbers as numbers
from . import rounding


@internal
@pure
def entry(d: operator.Dispute, which: uint256, x: int256) -> uint256:
    """
    @notice Returns which entry of a Lut's table a value falls on, the first or last where it is outside.
    @param d The operator and its shapes.
    @param which The table's place.
    @param x The value.
    """
    last: int256 = convert(d.shapes[which].rows * d.shapes[which].cols, int256) - 1
    return convert(rounding.clamp((x + (1 << d.lut_bits)) >> d.lut_step, 0, last), uint256)


@internal
@view
def look_up(d: operator.Dispute, which: uint256, x: int256) -> int256:
    """
    @notice Looks a value up in the opened row of a Lut's table.
    @param d The operator and its shapes.
    @param which The table's place.
    @param x The value.
    """
    half: int256 = 1 << d.lut_bits
    if d.tails == 1 or (x >= -half and x < half):
        return numbers.signed(d.at[which] + 2 * (self.entry(d, which, x) % d.shapes[which].cols), 2)
    return x if x >= half else 0

# pragma version ~=0.4.3
"""
@title Rounding and clamping
@custom:contract-name rounding
@license GNU Affero General Public License v3.0 only
@notice stun/protocol/graph/elements.py.
"""


@internal
@pure
def rshr(x: int256, bits: uint256) -> int256:
    """
    @notice Divides by 2^bits, halves up.
    @param x The dividend.
    @param bits At least 1, at most 62.
    """
    return (x + (1 << (bits - 1))) >> bits


@internal
@pure
def clamp(x: int256, low: int256, high: int256) -> int256:
    """
    @notice Returns low below it, else high above it, else x.
    @param x The value.
    @param low The least.
    @param high The most.
    """
    return max(low, min(x, high))

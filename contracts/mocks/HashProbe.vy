# pragma version ~=0.4.3
"""
@title The beacon's hash to the curve, step by step
@custom:contract-name HashProbe
@license GNU Affero General Public License v3.0 only
@notice What hash_to_bn254 does, for tests to compare.
@custom:security Test only; no state.
@custom:kill Not deployed on a public network.
"""

from ..modules import hash_to_bn254


@external
@view
def hash_round(round: uint256) -> uint256[2]:
    """
    @notice The point of a round.
    @param round Of at most 64 bits.
    """
    return hash_to_bn254.hash_round(round)


@external
@view
def hash_to_field(round: uint256) -> uint256[2]:
    """
    @notice The two field elements of a round.
    @param round Of at most 64 bits.
    """
    return hash_to_bn254.hash_to_field(round)


@external
@view
def map_both(elements: uint256[2]) -> uint256[2]:
    """
    @notice The sum of the points of two field elements.
    @param elements Below P.
    """
    return hash_to_bn254.map_both(elements)

# pragma version ~=0.4.3
"""
@title Softmax over a row in the calldata
@custom:contract-name exponentials
@license GNU Affero General Public License v3.0 only
@notice stun/protocol/graph/tables.py: 2^15 e^(-t/256) is COARSE[t >> 6] * FINE[t & 63] / 2^15, halves up.
"""

from . import evidence_numbers as numbers
from . import packed_rows as sums
from . import rounding

LANE: constant(uint256) = 2**16 - 1
LAST_STEP: constant(uint256) = 4_095
MAX_PROBABILITY: constant(int256) = 2**14 - 1
COARSE: constant(uint256[64]) = [
    32768, 25520, 19875, 15479, 12055, 9388, 7312, 5694, 4435, 3454, 2690, 2095, 1631, 1271, 990, 771,
    600, 467, 364, 283, 221, 172, 134, 104, 81, 63, 49, 38, 30, 23, 18, 14,
    11, 9, 7, 5, 4, 3, 2, 2, 1, 1, 1, 1, 1, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
]
FINE: constant(uint256[64]) = [
    32768, 32640, 32513, 32386, 32260, 32134, 32009, 31884, 31760, 31636, 31513, 31390, 31267, 31146, 31024, 30903,
    30783, 30663, 30543, 30424, 30305, 30187, 30070, 29952, 29836, 29719, 29603, 29488, 29373, 29259, 29144, 29031,
    28918, 28805, 28693, 28581, 28469, 28358, 28248, 28138, 28028, 27919, 27810, 27701, 27593, 27486, 27379, 27272,
    27166, 27060, 26954, 26849, 26744, 26640, 26536, 26433, 26330, 26227, 26125, 26023, 25922, 25821, 25720, 25620,
]


@internal
@view
def softmax(at: uint256, count: uint256, col: uint256) -> int256:
    """
    @notice Returns an element of the softmax of a row of int16.
    @param at Where the row begins.
    @param count Its elements, at most 2,048.
    @param col Which of them.
    """
    coarse: uint256[64] = COARSE
    fine: uint256[64] = FINE
    largest: uint256 = sums.largest(at, count)
    total: uint256 = 0
    left: uint256 = count
    for _word: uint256 in range(128):
        if left == 0:
            break
        word: uint256 = convert(slice(msg.data, unsafe_sub(unsafe_add(at, unsafe_mul(2, left)), 32), 32), uint256)
        word ^= sums.SHORT_SIGNS
        lanes: uint256 = min(left, 16)
        for _lane: uint256 in range(lanes, bound=16):
            step: uint256 = min(unsafe_sub(largest, word & LANE), LAST_STEP)
            total = unsafe_add(total, unsafe_add(unsafe_mul(coarse[step >> 6], fine[step & 63]), 2**14) >> 15)
            word >>= 16
        left = unsafe_sub(left, lanes)
    below: uint256 = min(largest - (numbers.number(at + 2 * col, 2) ^ 2**15), LAST_STEP)
    own: uint256 = (coarse[below >> 6] * fine[below & 63] + 2**14) >> 15
    return min(rounding.rshr(convert(own * (2**39 // total), int256), 25), MAX_PROBABILITY)

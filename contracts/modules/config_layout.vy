# pragma version ~=0.4.3
"""
@title Layout of the governed parameters
@custom:contract-name config_layout
@license GNU Affero General Public License v3.0 only
@notice Where stun/protocol/parameters.py puts each parameter: a test holds this file to it. `BITS`, `WORDS` and
        `SHIFTS` are indexed in the order of PARAMETERS; the words are 0 rules, 1 limits, 2 times, 3 duties.
"""

COUNT: constant(uint256) = 39
VERSION_SHIFT: constant(uint256) = 240
AUDITORS_SHIFT: constant(uint256) = 72  # in the limits word; every match reads it
AUDITORS_MASK: constant(uint256) = 255

REVEAL_SECONDS: constant(uint256) = 0
RESOLVE_SECONDS: constant(uint256) = 1
MAX_HOLD: constant(uint256) = 2
MATCH_FEE_BPS: constant(uint256) = 3
SETTLE_FEE_BPS: constant(uint256) = 4
SILENCE_BPS: constant(uint256) = 5
WITHDRAW_BPS: constant(uint256) = 6
STAKE_SLASH_BPS: constant(uint256) = 7
SILENCE_SLASH_BPS: constant(uint256) = 8
ALPHA_PPM: constant(uint256) = 9
BETA_PPM: constant(uint256) = 10
FLOOR_PPM_EXACT: constant(uint256) = 11
FLOOR_PPM_BOUNDED: constant(uint256) = 12
FLOOR_PPM_TOKEN: constant(uint256) = 13
AUDITORS: constant(uint256) = 14
AUDIT_TASKS: constant(uint256) = 15
AUDIT_LOAD_BPS: constant(uint256) = 16
MIN_BOND_BPS: constant(uint256) = 17
BOND_MARGIN: constant(uint256) = 18
OPAQUE_BOND_BPS: constant(uint256) = 19
MIN_STAKE: constant(uint256) = 20
MIN_POST_SECONDS: constant(uint256) = 21
MAX_POST_SECONDS: constant(uint256) = 22
MAX_TASK_SECONDS: constant(uint256) = 23
MAX_CHALLENGE_SECONDS: constant(uint256) = 24
DRAW_SECONDS: constant(uint256) = 25
ANSWER_SECONDS: constant(uint256) = 26
UNBONDING_SECONDS: constant(uint256) = 27
MODEL_BOND: constant(uint256) = 28
FOLLOW_SECONDS: constant(uint256) = 29
CHAIN_MAX: constant(uint256) = 30
CHALLENGE_OPEN_SECONDS: constant(uint256) = 31
AUDIT_SECONDS: constant(uint256) = 32
SEAT_REVEAL_SECONDS: constant(uint256) = 33
SEAT_SILENCE_BPS: constant(uint256) = 34
ANSWER_FLOOR_GWEI: constant(uint256) = 35
ANSWER_GAS: constant(uint256) = 36
CHALLENGE_GAS: constant(uint256) = 37
SEAT_BOND: constant(uint256) = 38

BITS: constant(uint256[COUNT]) = [
    24, 24, 24, 16, 16, 16, 16, 16, 16, 24, 24, 24, 24, 24, 8,
    8, 16, 24, 16, 16, 64, 24, 24, 24, 24, 24, 24, 32, 64, 24,
    8, 24, 24, 24, 16, 40, 24, 24, 48,
]
WORDS: constant(uint256[COUNT]) = [
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3,
    3, 3, 3, 3, 3, 3, 3, 3, 3,
]
SHIFTS: constant(uint256[COUNT]) = [
    0, 24, 48, 72, 88, 104, 120, 136, 152, 168, 192, 0, 24, 48, 72,
    80, 88, 104, 128, 144, 160, 0, 24, 48, 72, 96, 120, 144, 176, 0,
    24, 32, 56, 80, 104, 120, 160, 184, 208,
]


@internal
@pure
def read(words: uint256[4], index: uint256) -> uint256:
    """
    @notice Returns the value of a parameter out of the four words of a version.
    @param words The words rules, limits, times and duties.
    @param index The parameter's place in PARAMETERS, below COUNT.
    """
    return (words[WORDS[index]] >> SHIFTS[index]) & ((1 << BITS[index]) - 1)

# pragma version ~=0.4.3
"""
@title Fields of the config's packed words that the market reads on its hot path
@custom:contract-name fields
@license GNU Affero General Public License v3.0 only
@notice Shift and width of each parameter, from stun/protocol/parameters.py; a test holds this file to it. Constants, so
        that a read is a shift and a mask.
"""

VERSION_SHIFT: constant(uint256) = 240
U64: constant(uint256) = 2**64 - 1
U48: constant(uint256) = 2**48 - 1
U40: constant(uint256) = 2**40 - 1
U32: constant(uint256) = 2**32 - 1
U24: constant(uint256) = 2**24 - 1
U16: constant(uint256) = 2**16 - 1
U8: constant(uint256) = 2**8 - 1

# asset word
MIN_LOCKED: constant(uint256) = 0
MIN_BOND: constant(uint256) = 64
REWARD_CAP: constant(uint256) = 128
REFERENCE_FEE: constant(uint256) = 192

# audit word of an asset
AUDIT_FEE: constant(uint256) = 0
REPORT_FEE: constant(uint256) = 64
AUDIT_COVER: constant(uint256) = 128

# rules word
REVEAL_SECONDS: constant(uint256) = 0  # u24
RESOLVE_SECONDS: constant(uint256) = 24  # u24
MAX_HOLD: constant(uint256) = 48  # u24
MATCH_FEE_BPS: constant(uint256) = 72  # u16
SETTLE_FEE_BPS: constant(uint256) = 88  # u16
SILENCE_BPS: constant(uint256) = 104  # u16
WITHDRAW_BPS: constant(uint256) = 120  # u16
STAKE_SLASH_BPS: constant(uint256) = 136  # u16
SILENCE_SLASH_BPS: constant(uint256) = 152  # u16
ALPHA_PPM: constant(uint256) = 168  # u24
BETA_PPM: constant(uint256) = 192  # u24

# limits word
FLOOR_PPM_EXACT: constant(uint256) = 0  # u24
FLOOR_PPM_TOKEN: constant(uint256) = 48  # u24
AUDITORS: constant(uint256) = 72  # u8
AUDIT_TASKS: constant(uint256) = 80  # u8
AUDIT_LOAD_BPS: constant(uint256) = 88  # u16
MIN_BOND_BPS: constant(uint256) = 104  # u24
BOND_MARGIN: constant(uint256) = 128  # u16
OPAQUE_BOND_BPS: constant(uint256) = 144  # u16
MIN_STAKE: constant(uint256) = 160  # u64

# times word
MIN_POST_SECONDS: constant(uint256) = 0  # u24
MAX_POST_SECONDS: constant(uint256) = 24  # u24
MAX_TASK_SECONDS: constant(uint256) = 48  # u24
MAX_CHALLENGE_SECONDS: constant(uint256) = 72  # u24
DRAW_SECONDS: constant(uint256) = 96  # u24
ANSWER_SECONDS: constant(uint256) = 120  # u24

# duties word
FOLLOW_SECONDS: constant(uint256) = 0  # u24
CHAIN_MAX: constant(uint256) = 24  # u8
CHALLENGE_OPEN_SECONDS: constant(uint256) = 32  # u24
AUDIT_SECONDS: constant(uint256) = 56  # u24
SEAT_REVEAL_SECONDS: constant(uint256) = 80  # u24
SEAT_SILENCE_BPS: constant(uint256) = 104  # u16
ANSWER_FLOOR_GWEI: constant(uint256) = 120  # u40
ANSWER_GAS: constant(uint256) = 160  # u24
CHALLENGE_GAS: constant(uint256) = 184  # u24
SEAT_BOND: constant(uint256) = 208  # u48

# pragma version ~=0.4.3
"""
@title Reputation of providers
@custom:contract-name Reputation
@license GNU Affero General Public License v3.0 only
@notice Documented in IReputation.
@custom:security Trusts its recorders (the owner names them). Holds no money, and nothing that holds money reads it.
@custom:kill Recording ends when no recorder is left; scores then decay to 0.
"""

from snekmate.auth import ownable
from snekmate.auth import ownable_2step

from .interfaces import IReputation

implements: IReputation

initializes: ownable
initializes: ownable_2step[ownable := ownable]

exports: ownable_2step.__interface__

ERR_RECORDER: constant(String[32]) = "reputation: recorder"
ERR_REFERENCE: constant(String[32]) = "reputation: reference"
ERR_RATE: constant(String[32]) = "reputation: rate"

PPM: constant(uint256) = 1_000_000
DAY_SECONDS: constant(uint256) = 86_400
HALF_LIFE_DAYS: constant(uint256) = 30
FACTOR_BITS: constant(uint256) = 32
DAY_SHIFT: constant(uint256) = 32
VALUE_MASK: constant(uint256) = 2**32 - 1

# @dev floor(2^32 * 2^(-k / 30)): what is left of 2^32 after k days.
DECAY: constant(uint256[HALF_LIFE_DAYS]) = [
    4294967296, 4196870107, 4101013461, 4007346184, 3915818271,
    3826380858, 3738986198, 3653587636, 3570139579, 3488597478,
    3408917801, 3331058011, 3254976541, 3180632774, 3107987021,
    3037000499, 2967635312, 2899854428, 2833621661, 2768901653,
    2705659852, 2643862495, 2583476593, 2524469906, 2466810933,
    2410468894, 2355413708, 2301615985, 2249047003, 2197678698,
]

is_recorder: public(HashMap[address, bool])
_was_recorder: HashMap[address, bool]  # dismissed: its open batches must still end
_values: HashMap[address, uint256]  # value u32 | day u32, from the least significant bit


@deploy
def __init__(owner: address):
    ownable.__init__()
    ownable_2step.__init__()
    ownable_2step._transfer_ownership(owner)


@external
def earned(provider: address, paid: uint64, reference_fee: uint64, alpha_ppm: uint256):
    if not self._may_record():
        return
    assert reference_fee > 0, ERR_REFERENCE
    assert alpha_ppm <= PPM, ERR_RATE
    reference: uint256 = convert(reference_fee, uint256)
    counted: uint256 = min(convert(paid, uint256), reference)
    value: uint256 = self._score(provider)
    self._record(provider, value, value + alpha_ppm * counted * (PPM - value) // (PPM * reference))


@external
def silent(provider: address, beta_ppm: uint256):
    if not self._may_record():
        return
    assert beta_ppm <= PPM, ERR_RATE
    value: uint256 = self._score(provider)
    self._record(provider, value, value - beta_ppm * value // PPM)


@external
def convicted(provider: address):
    if not self._may_record():
        return
    self._record(provider, self._score(provider), 0)


@external
def set_recorder(recorder: address, allowed: bool):
    ownable._check_owner()
    old_allowed: bool = self.is_recorder[recorder]
    self.is_recorder[recorder] = allowed
    if old_allowed and not allowed:
        self._was_recorder[recorder] = True
    log IReputation.RecorderSet(recorder=recorder, old_allowed=old_allowed, new_allowed=allowed)


@external
@view
def score(provider: address) -> uint256:
    return self._score(provider)


@internal
@view
def _may_record() -> bool:
    """
    @notice Whether the caller's record counts; one that was never named is refused.
    """
    allowed: bool = self.is_recorder[msg.sender]
    assert allowed or self._was_recorder[msg.sender], ERR_RECORDER
    return allowed


@internal
@view
def _score(provider: address) -> uint256:
    packed: uint256 = self._values[provider]
    days: uint256 = block.timestamp // DAY_SECONDS - (packed >> DAY_SHIFT)
    left: uint256 = ((packed & VALUE_MASK) * DECAY[days % HALF_LIFE_DAYS]) >> FACTOR_BITS
    return left >> (days // HALF_LIFE_DAYS)


@internal
def _record(provider: address, old_value: uint256, new_value: uint256):
    self._values[provider] = new_value | ((block.timestamp // DAY_SECONDS) << DAY_SHIFT)
    log IReputation.ReputationChanged(provider=provider, old_value=old_value, new_value=new_value)

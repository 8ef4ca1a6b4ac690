# pragma version ~=0.4.3
"""
@title Stake of providers, auditors and validators
@custom:contract-name Staking
@license GNU Affero General Public License v3.0 only
@notice Documented in IStaking.
@custom:security Trusts its slashers (the owner names them) to slash only what a rule of the protocol convicts, and the
                 config's `unbonding_seconds`. The owner cannot move stake; STUN has no hooks.
@custom:kill Cannot be stopped: unbonding and collecting are always open. Slashing ends when no slasher is left.
"""

from ethereum.ercs import IERC20
from snekmate.auth import ownable
from snekmate.auth import ownable_2step
from snekmate.tokens.interfaces import IERC20Permit

from .interfaces import IConfig
from .interfaces import IStaking
from .interfaces import IStunToken
from .modules import config_layout as layout

implements: IStaking

initializes: ownable
initializes: ownable_2step[ownable := ownable]

exports: ownable_2step.__interface__

ERR_AMOUNT: constant(String[32]) = "staking: amount"
ERR_BALANCE: constant(String[32]) = "staking: balance"
ERR_OVERFLOW: constant(String[32]) = "staking: overflow"
ERR_NOTHING: constant(String[32]) = "staking: nothing"
ERR_LOCKED: constant(String[32]) = "staking: locked"
ERR_RECEIVER: constant(String[32]) = "staking: receiver"
ERR_SLASHER: constant(String[32]) = "staking: slasher"
ERR_BPS: constant(String[32]) = "staking: bps"

BPS: constant(uint256) = 10_000
U64: constant(uint256) = 2**64 - 1
UNBONDING_SHIFT: constant(uint256) = 64
UNLOCK_SHIFT: constant(uint256) = 128

TOKEN: public(immutable(address))
CONFIG: public(immutable(address))

is_slasher: public(HashMap[address, bool])
_was_slasher: HashMap[address, bool]  # dismissed: its open batches must still end
_stakes: HashMap[address, uint256]  # active u64 | unbonding u64 | unlock_at u40, from the least significant bit


@deploy
def __init__(token: address, config: address, owner: address):
    ownable.__init__()
    ownable_2step.__init__()
    ownable_2step._transfer_ownership(owner)
    TOKEN = token
    CONFIG = config


@external
def stake(amount: uint256):
    self._stake(amount)


@external
def stake_with_permit(amount: uint256, deadline: uint256, v: uint8, r: bytes32, s: bytes32):
    if staticcall IERC20(TOKEN).allowance(msg.sender, self) < amount:
        extcall IERC20Permit(TOKEN).permit(msg.sender, self, amount, deadline, v, r, s)
    self._stake(amount)


@external
def unstake(amount: uint256):
    position: IStaking.Stake = self._load(msg.sender)
    assert amount > 0, ERR_AMOUNT
    assert amount <= convert(position.active, uint256), ERR_BALANCE
    assert amount <= U64 - convert(position.unbonding, uint256), ERR_OVERFLOW
    clock: uint256 = block.timestamp + staticcall IConfig(CONFIG).value(layout.UNBONDING_SECONDS)
    position.active -= convert(amount, uint64)
    position.unbonding += convert(amount, uint64)
    position.unlock_at = max(position.unlock_at, convert(clock, uint64))
    self._store(msg.sender, position)
    log IStaking.Unstaked(
        account=msg.sender,
        amount=amount,
        active=convert(position.active, uint256),
        unbonding=convert(position.unbonding, uint256),
        unlock_at=convert(position.unlock_at, uint256),
    )


@external
def collect(to: address) -> uint256:
    position: IStaking.Stake = self._load(msg.sender)
    amount: uint256 = convert(position.unbonding, uint256)
    assert to != empty(address), ERR_RECEIVER
    assert amount > 0, ERR_NOTHING
    assert block.timestamp >= convert(position.unlock_at, uint256), ERR_LOCKED
    position.unbonding = 0
    self._store(msg.sender, position)
    log IStaking.Collected(account=msg.sender, to=to, amount=amount)
    extcall IStunToken(TOKEN).release(msg.sender, to, amount)
    return amount


@external
def slash(account: address, bps: uint256) -> uint256:
    if not self.is_slasher[msg.sender]:
        assert self._was_slasher[msg.sender], ERR_SLASHER
        return 0
    assert bps <= BPS, ERR_BPS
    position: IStaking.Stake = self._load(account)
    active: uint256 = convert(position.active, uint256)
    unbonding: uint256 = convert(position.unbonding, uint256)
    amount: uint256 = (active + unbonding) * bps // BPS
    if amount == 0:
        return 0
    from_active: uint256 = min(amount, active)
    active -= from_active
    unbonding -= amount - from_active
    position.active = convert(active, uint64)
    position.unbonding = convert(unbonding, uint64)
    self._store(account, position)
    log IStaking.Slashed(account=account, slasher=msg.sender, amount=amount, active=active, unbonding=unbonding)
    extcall IStunToken(TOKEN).burn_held(account, amount)
    return amount


@external
def set_slasher(slasher: address, allowed: bool):
    ownable._check_owner()
    old_allowed: bool = self.is_slasher[slasher]
    self.is_slasher[slasher] = allowed
    if old_allowed and not allowed:
        self._was_slasher[slasher] = True
    log IStaking.SlasherSet(slasher=slasher, old_allowed=old_allowed, new_allowed=allowed)


@external
@view
def stake_of(account: address) -> uint256:
    return self._stakes[account] & U64


@external
@view
def position_of(account: address) -> IStaking.Stake:
    return self._load(account)


@internal
def _stake(amount: uint256):
    position: IStaking.Stake = self._load(msg.sender)
    assert amount > 0, ERR_AMOUNT
    assert amount <= U64 - convert(position.active, uint256), ERR_OVERFLOW
    position.active += convert(amount, uint64)
    self._store(msg.sender, position)
    log IStaking.Staked(account=msg.sender, amount=amount, active=convert(position.active, uint256))
    extcall IStunToken(TOKEN).hold(msg.sender, amount)  # the votes stay with their owner


@internal
@view
def _load(account: address) -> IStaking.Stake:
    packed: uint256 = self._stakes[account]
    return IStaking.Stake(
        active=convert(packed & U64, uint64),
        unbonding=convert((packed >> UNBONDING_SHIFT) & U64, uint64),
        unlock_at=convert(packed >> UNLOCK_SHIFT, uint64),
    )


@internal
def _store(account: address, position: IStaking.Stake):
    """
    @notice Packs a position; without unbonding stake it has no clock.
    """
    packed: uint256 = convert(position.active, uint256)
    if position.unbonding != 0:
        packed |= convert(position.unbonding, uint256) << UNBONDING_SHIFT
        packed |= convert(position.unlock_at, uint256) << UNLOCK_SHIFT
    self._stakes[account] = packed

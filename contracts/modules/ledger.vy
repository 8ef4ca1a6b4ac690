# pragma version ~=0.4.3
"""
@title The market's money
@custom:contract-name ledger
@license GNU Affero General Public License v3.0 only
@notice Free balances, and per asset the treasury's, the insurance's and the audit's share. Credits cannot fail, so
        nobody can block a settlement. What batches hold is in their terms.
"""

from ethereum.ercs import IERC20
from ..interfaces import IStunToken
from . import reasons


U128: constant(uint256) = 2**128 - 1

STUN: immutable(address)

balance_of: public(HashMap[address, HashMap[address, uint256]])
insurance_of: public(HashMap[address, uint256])
_shares: HashMap[address, uint256]  # treasury u128 | audit u128: a settlement that adds to both writes one slot


@deploy
def __init__(stun: address):
    STUN = stun


@external
@view
def treasury_of(asset: address) -> uint256:
    return self.treasury_share(asset)


@external
@view
def audit_of(asset: address) -> uint256:
    return self.audit_share(asset)


@internal
@view
def treasury_share(asset: address) -> uint256:
    """
    @notice Returns the platform's share of an asset.
    @param asset The token.
    """
    return self._shares[asset] & U128


@internal
@view
def audit_share(asset: address) -> uint256:
    """
    @notice Returns what the audit account of an asset holds.
    @param asset The token.
    """
    return self._shares[asset] >> 128


@internal
def add_shares(asset: address, treasury: uint256, audit: uint256):
    """
    @notice Adds to the platform's share and to the audit account; amounts that exist as tokens cannot overflow them.
    @param asset The token.
    @param treasury For the platform.
    @param audit For the audit account.
    """
    self._shares[asset] += treasury | (audit << 128)


@internal
def take_treasury(asset: address, amount: uint256):
    """
    @notice Takes from the platform's share.
    @param asset The token.
    @param amount At most what the share holds.
    """
    self._shares[asset] -= amount


@internal
def set_audit_share(asset: address, amount: uint256):
    """
    @notice Sets what the audit account holds.
    @param asset The token.
    @param amount Below 2**128.
    """
    self._shares[asset] = (self._shares[asset] & U128) | (amount << 128)


@internal
def credit(asset: address, account: address, amount: uint256):
    """
    @notice Adds to a free balance; nothing is written for an amount of zero.
    @param asset The token.
    @param account Whose balance.
    @param amount How much.
    """
    if amount > 0:
        self.balance_of[asset][account] += amount


@internal
def debit(asset: address, account: address, amount: uint256):
    """
    @notice Takes from a free balance. Errors: "ledger: balance".
    @param asset The token.
    @param account Whose balance.
    @param amount How much.
    """
    balance: uint256 = self.balance_of[asset][account]
    if not (balance >= amount):
        reasons.fail(reasons.LEDGER_BALANCE)
    if amount > 0:
        self.balance_of[asset][account] = unsafe_sub(balance, amount)


@internal
def forfeit(asset: address, amount: uint256):
    """
    @notice Burns (STUN) or insures (any other asset) what a replica lost.
    @param asset The token.
    @param amount How much.
    """
    if amount == 0:
        return
    if asset == STUN:
        extcall IStunToken(STUN).burn(amount)
    else:
        self.insurance_of[asset] += amount


@internal
def pull(asset: address, sender: address, amount: uint256) -> uint256:
    """
    @notice Takes tokens from an account and returns by how much the market's balance really grew.
    @param asset The token; one that returns nothing or false is handled.
    @param sender Who pays and has approved it.
    @param amount How much to ask for.
    """
    before: uint256 = staticcall IERC20(asset).balanceOf(self)
    if not (extcall IERC20(asset).transferFrom(sender, self, amount, default_return_value=True)):
        reasons.fail(reasons.LEDGER_TOKEN)
    after: uint256 = staticcall IERC20(asset).balanceOf(self)
    if not (after >= before):
        reasons.fail(reasons.LEDGER_TOKEN)
    return after - before


@internal
def push(asset: address, to: address, amount: uint256):
    """
    @notice Pays tokens out.
    @param asset The token.
    @param to Who receives them.
    @param amount How much.
    """
    if not (extcall IERC20(asset).transfer(to, amount, default_return_value=True)):
        reasons.fail(reasons.LEDGER_TOKEN)

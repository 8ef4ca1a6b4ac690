# pragma version ~=0.4.3
"""
@title A token whose transfers revert
@custom:contract-name RevertingToken
@license GNU Affero General Public License v3.0 only
@notice Transfers revert until `set_failing(False)`.
@custom:security Test only: anybody mints, and fails it.
@custom:kill Not deployed on a public network.
"""

from ethereum.ercs import IERC20

from . import mock_ledger as ledger

implements: IERC20

initializes: ledger

exports: (ledger.approve, ledger.mint, ledger.balanceOf, ledger.allowance, ledger.totalSupply)

ERR_FAILING: constant(String[32]) = "mock: failing"

decimals: public(constant(uint8)) = 6

is_failing: public(bool)


@deploy
def __init__():
    self.is_failing = True


@external
def set_failing(failing: bool):
    """
    @notice Turns the failure of transfers on or off; it is on at first.
    @param failing Whether transfers fail from now on.
    """
    self.is_failing = failing


@external
def transfer(to: address, amount: uint256) -> bool:
    return self._transfer(msg.sender, msg.sender, to, amount)


@external
def transferFrom(owner: address, to: address, amount: uint256) -> bool:
    return self._transfer(msg.sender, owner, to, amount)


@internal
def _transfer(spender: address, owner: address, to: address, amount: uint256) -> bool:
    assert not self.is_failing, ERR_FAILING
    if spender != owner:
        ledger._spend(owner, spender, amount)
    ledger._move(owner, to, amount)
    return True

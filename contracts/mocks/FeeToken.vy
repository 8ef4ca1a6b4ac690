# pragma version ~=0.4.3
"""
@title A token that takes a fee
@custom:contract-name FeeToken
@license GNU Affero General Public License v3.0 only
@notice Every transfer destroys 1 % of what it moves, so that the receiver gets less than was sent.
@custom:security Test only: anybody mints.
@custom:kill Not deployed on a public network.
"""

from ethereum.ercs import IERC20

from . import mock_ledger as ledger

implements: IERC20

initializes: ledger

exports: (ledger.approve, ledger.mint, ledger.balanceOf, ledger.allowance, ledger.totalSupply)

BPS: constant(uint256) = 10_000
FEE_BPS: constant(uint256) = 100

decimals: public(constant(uint8)) = 6


@external
def transfer(to: address, amount: uint256) -> bool:
    self._transfer(msg.sender, to, amount)
    return True


@external
def transferFrom(owner: address, to: address, amount: uint256) -> bool:
    ledger._spend(owner, msg.sender, amount)
    self._transfer(owner, to, amount)
    return True


@internal
def _transfer(owner: address, to: address, amount: uint256):
    ledger._move(owner, to, amount)
    ledger._destroy(to, amount * FEE_BPS // BPS)

# pragma version ~=0.4.3
"""
@title A token whose transfers return nothing
@custom:contract-name NoReturnToken
@license GNU Affero General Public License v3.0 only
@notice Transfers work and return no value, as USDT's do.
@custom:security Test only: anybody mints.
@custom:kill Not deployed on a public network.
"""

from . import mock_ledger as ledger

initializes: ledger

exports: (ledger.approve, ledger.mint, ledger.balanceOf, ledger.allowance, ledger.totalSupply)

decimals: public(constant(uint8)) = 6


@external
def transfer(to: address, amount: uint256):
    ledger._move(msg.sender, to, amount)


@external
def transferFrom(owner: address, to: address, amount: uint256):
    ledger._spend(owner, msg.sender, amount)
    ledger._move(owner, to, amount)

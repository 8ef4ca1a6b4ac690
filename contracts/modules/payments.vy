# pragma version ~=0.4.3
"""
@title Payment of a replica
@custom:contract-name payments
@license GNU Affero General Public License v3.0 only
@notice stun/protocol/market/settlement.py: 80 / 15 / 5, keepers and tip, the bond and the unspent price back.
"""

from ..interfaces import IMarketplace
from . import accounts
from . import ledger
from . import prices

uses: ledger


@internal
def pay(
    terms: IMarketplace.Terms, index: uint256, units: uint256, tip_paid: bool, settler: address
) -> (bool, uint256):
    """
    @notice Pays one replica for its units, returns its bond and what the requester locked beyond. Returns whether the
            tip is paid now, and the payment before the split.
    @param terms Of the batch.
    @param index The replica.
    @param units What it is paid for.
    @param tip_paid Whether the tip was paid before.
    @param settler Who earns the settler's fee, and the matcher's where the bid names none.
    """
    cast: IMarketplace.Cast = terms.casts[index]
    paid: uint256 = units * cast.price // prices.MILLION
    parts: prices.Split = prices.split(paid, terms.creator != empty(bytes32), terms.rules)
    if not tip_paid and paid > 0:
        parts.matcher += terms.tip // 2
        parts.settler += terms.tip - terms.tip // 2
    asset: address = accounts.narrow(terms.asset)
    matcher: address = accounts.narrow(cast.matcher)
    if matcher == empty(address):
        matcher = settler
    ledger.credit(asset, accounts.narrow(cast.provider), cast.bond + parts.provider)
    ledger.credit(asset, accounts.narrow(terms.creator), parts.creator)
    ledger.credit(asset, matcher, parts.matcher)
    ledger.credit(asset, settler, parts.settler)
    if parts.treasury > 0:
        ledger.add_shares(asset, parts.treasury, 0)
    locked: uint256 = prices.price_locked(terms.count, terms.max_units, cast.price)
    ledger.credit(asset, accounts.narrow(terms.requester), locked - paid)
    return tip_paid or paid > 0, paid

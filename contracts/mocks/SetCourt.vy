# pragma version ~=0.4.3
"""
@title A court that convicts whom it is told to
@custom:contract-name SetCourt
@license GNU Affero General Public License v3.0 only
@notice What the audit asks of a court, and a way to use the market's hook.
@custom:security Test only: anybody convicts.
@custom:kill Not deployed on a public network.
"""

from ..interfaces import IMarketplace

was_convicted: public(HashMap[bytes32, HashMap[uint256, bool]])
was_wrong: public(HashMap[bytes32, HashMap[uint256, bool]])


@external
def convict(
    market: IMarketplace, batch_id: bytes32, terms: IMarketplace.Terms, replica: uint256, wrong: bool, challenger: address
):
    self.was_convicted[batch_id][replica] = True
    self.was_wrong[batch_id][replica] = wrong
    extcall market.convict(batch_id, terms, replica, wrong, challenger)

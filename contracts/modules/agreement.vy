# pragma version ~=0.4.3
"""
@title When a batch can end, and which root wins
@custom:contract-name agreement
@license GNU Affero General Public License v3.0 only
@notice The clocks and the vote of stun/protocol/market/state.py and settlement.py.
"""

from ..interfaces import IMarketplace
from . import batch_store as store
from . import fields

CLASS_TOKEN: constant(uint256) = 2


@internal
@pure
def quiet_at(terms: IMarketplace.Terms, head: store.Head) -> uint256:
    """
    @notice Returns the first moment at which a batch that agrees can be settled (phase results).
    @param terms Of the batch.
    @param head Its head.
    """
    return max(head.phase_at + terms.challenge_seconds, head.hold_until)


@internal
@pure
def resolve_by(terms: IMarketplace.Terms, head: store.Head) -> uint256:
    """
    @notice Returns when a disagreement that nobody resolved ends in refunds (phase results).
    @param terms Of the batch.
    @param head Its head.
    """
    return self.quiet_at(terms, head) + ((terms.rules >> fields.RESOLVE_SECONDS) & fields.U24)


@internal
@pure
def agreed_cell(terms: IMarketplace.Terms, head: store.Head) -> uint256:
    """
    @notice Returns the cell of the root that wins, or NO_CELL: all equal, or two of three except in class `token`.
    @param terms Of the batch.
    @param head Its head.
    """
    parties: uint256 = 0
    votes: uint256[3] = empty(uint256[3])
    for k: uint256 in range(3):
        if head.state[k] == store.REVEALED:
            parties += 1
            votes[head.cell[k]] += 1
    for cell: uint256 in range(3):
        if votes[cell] > 0:
            if votes[cell] == parties or (votes[cell] == 2 and terms.numeric_class != CLASS_TOKEN):
                return cell
    return store.NO_CELL

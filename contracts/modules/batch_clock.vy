# pragma version ~=0.4.3
"""
@title The clock of a batch, and the ways out of it
@custom:contract-name batch_clock
@license GNU Affero General Public License v3.0 only
@notice stun/protocol/market/clock.py: what time alone does to a batch, how a replica goes out, how a batch ends.
        Deadlines are exclusive. A head of phase 0 means that the batch is final and deleted.
"""

from ..interfaces import IMarketplace
from ..interfaces import IReputation
from ..interfaces import IStaking
from . import accounts
from . import batch_store as store
from . import fields
from . import ledger
from . import prices

uses: store
uses: ledger

BPS: constant(uint256) = 10_000

STAKING: immutable(IStaking)
REPUTATION: immutable(IReputation)


@deploy
def __init__(staking: IStaking, reputation: IReputation):
    STAKING = staking
    REPUTATION = reputation


@internal
def advance(id: bytes32, terms: IMarketplace.Terms, h: store.Head, settler: address) -> store.Head:
    """
    @notice Brings a batch up to date: silent replicas go out, phases end.
    @param id The batch.
    @param terms Its terms.
    @param h Its head.
    @param settler Whom the end of the batch names.
    """
    head: store.Head = h
    post_by: uint256 = terms.opened_at + terms.post_seconds
    if head.phase == store.OPEN and block.timestamp >= post_by:
        head = self._silence_all(id, terms, head, store.PENDING, (terms.rules >> fields.SILENCE_BPS) & fields.U16)
        if not self.any_live(head, terms.replicas):
            return self.close(id, terms, head, settler, empty(uint256[3]))
        head.phase = store.REVEALING
        head.phase_at = post_by
    if head.phase == store.REVEALING:
        reveal_by: uint256 = head.phase_at + ((terms.rules >> fields.REVEAL_SECONDS) & fields.U24)
        if block.timestamp >= reveal_by:
            head = self._silence_all(id, terms, head, store.COMMITTED, BPS)
            if not self.any_live(head, terms.replicas):
                return self.close(id, terms, head, settler, empty(uint256[3]))
            head.phase = store.RESULTS
            head.phase_at = reveal_by
    return head


@internal
def progress(id: bytes32, terms: IMarketplace.Terms, h: store.Head, settler: address) -> store.Head:
    """
    @notice Moves to the next phase at once when no live replica is left to wait for.
    @param id The batch.
    @param terms Its terms.
    @param h Its head.
    @param settler Whom the end of the batch names.
    """
    head: store.Head = h
    if not self.any_live(head, terms.replicas):
        return self.close(id, terms, head, settler, empty(uint256[3]))
    if head.phase == store.OPEN and not self._any(head, terms.replicas, store.PENDING):
        head.phase = store.REVEALING
        head.phase_at = block.timestamp
    if head.phase == store.REVEALING and not self._any(head, terms.replicas, store.COMMITTED):
        head.phase = store.RESULTS
        head.phase_at = block.timestamp
    return head


@internal
def go_out(
    id: bytes32, terms: IMarketplace.Terms, h: store.Head, index: uint256, state: uint256, penalty: uint256
) -> store.Head:
    """
    @notice A replica goes out by silence or by leaving: it loses a part of its bond, the requester has its price back.
    @param id The batch.
    @param terms Its terms.
    @param h Its head.
    @param index The replica.
    @param state WITHDRAWN or SILENT.
    @param penalty What it loses.
    """
    head: store.Head = store.forget(id, h, index)
    cast: IMarketplace.Cast = terms.casts[index]
    head.state[index] = state
    asset: address = accounts.narrow(terms.asset)
    provider: address = accounts.narrow(cast.provider)
    ledger.forfeit(asset, penalty)
    ledger.credit(asset, provider, cast.bond - penalty)
    self.refund_price(terms, cast.price)
    log IMarketplace.ReplicaOut(batch_id=id, provider=provider, seq=head.seq, reason=state, penalty=penalty)
    head.seq += 1
    return head


@internal
def refund_price(terms: IMarketplace.Terms, price: uint256):
    """
    @notice Returns what the requester locked for one replica.
    @param terms Of the batch.
    @param price Of the replica.
    """
    locked: uint256 = prices.price_locked(terms.count, terms.max_units, price)
    ledger.credit(accounts.narrow(terms.asset), accounts.narrow(terms.requester), locked)


@internal
def fail_duty(terms: IMarketplace.Terms, provider: address):
    """
    @notice Takes a part of the stake of a replica that failed a duty after its commitment, and marks it silent.
    @param terms Of the batch.
    @param provider The replica's.
    """
    extcall STAKING.slash(provider, (terms.rules >> fields.SILENCE_SLASH_BPS) & fields.U16)
    self._mark_silent(terms, provider)


@internal
def condemn(terms: IMarketplace.Terms, provider: address):
    """
    @notice Takes a part of the stake and all reputation of a replica that was convicted of a wrong result.
    @param terms Of the batch.
    @param provider The replica's.
    """
    extcall STAKING.slash(provider, (terms.rules >> fields.STAKE_SLASH_BPS) & fields.U16)
    extcall REPUTATION.convicted(provider)


@internal
def close(
    id: bytes32, terms: IMarketplace.Terms, head: store.Head, settler: address, paid: uint256[3]
) -> store.Head:
    """
    @notice Ends a batch: tip and prepayment go where they belong and the record is deleted. Returns a head of phase 0.
    @param id The batch.
    @param terms Its terms.
    @param head Its head.
    @param settler Who ended it.
    @param paid What this step paid by replica.
    """
    back: uint256 = 0
    if not head.tip_paid:
        back = terms.tip
    if not head.posted:
        back += terms.audit_prepaid
    elif terms.audit_prepaid > 0:
        ledger.add_shares(accounts.narrow(terms.asset), 0, terms.audit_prepaid)
    ledger.credit(accounts.narrow(terms.asset), accounts.narrow(terms.requester), back)
    log IMarketplace.Settled(batch_id=id, settler=settler, seq=head.seq, paid=paid)
    store.delete(id, head)
    return empty(store.Head)


@internal
def void_resolution(id: bytes32, h: store.Head) -> store.Head:
    """
    @notice A standing resolution falls when a replica in it goes out.
    @param id The batch.
    @param h Its head.
    """
    head: store.Head = h
    if head.resolved:
        head.resolved = False
        store.clear_dues(id)
        log IMarketplace.ResolveVoided(batch_id=id, seq=head.seq)
        head.seq += 1
    return head


@internal
@pure
def any_live(head: store.Head, replicas: uint256) -> bool:
    """
    @notice Whether a replica is not out.
    @param head Of the batch.
    @param replicas How many the batch has.
    """
    for k: uint256 in range(replicas, bound=3):
        if head.state[k] <= store.REVEALED:
            return True
    return False


@internal
@pure
def _any(head: store.Head, replicas: uint256, state: uint256) -> bool:
    for k: uint256 in range(replicas, bound=3):
        if head.state[k] == state:
            return True
    return False


@internal
def _mark_silent(terms: IMarketplace.Terms, provider: address):
    extcall REPUTATION.silent(provider, (terms.rules >> fields.BETA_PPM) & fields.U24)


@internal
def _silence_all(
    id: bytes32, terms: IMarketplace.Terms, h: store.Head, state: uint256, penalty_bps: uint256
) -> store.Head:
    head: store.Head = h
    for k: uint256 in range(terms.replicas, bound=3):
        if head.state[k] == state:
            cast: IMarketplace.Cast = terms.casts[k]
            head = self.go_out(id, terms, head, k, store.SILENT, cast.bond * penalty_bps // BPS)
            if state == store.COMMITTED:
                self.fail_duty(terms, accounts.narrow(cast.provider))
            else:
                self._mark_silent(terms, accounts.narrow(cast.provider))
    return head

# pragma version ~=0.4.3
"""
@title Settlement: the second half of the market
@custom:contract-name Settlement
@license GNU Affero General Public License v3.0 only
@notice Acceptance, resolution, time, and what the court may do to a batch. Marketplace runs it by delegatecall on its
        own storage, because both together exceed 24 KB (docs/decisions/0004-market-in-two-halves.md). The address is
        fixed at deployment; it is no proxy and nothing can be upgraded. Documented in IMarketplace. A call to this
        contract itself finds no batches.
@custom:security As Marketplace: a peer may hold, convict, release and set dues in batches of its config, nothing else.
                 Its storage must be laid out as the market's: a test compares both.
@custom:kill Cannot be stopped.
"""

from snekmate.utils import eip712_domain_separator as eip712

from .interfaces import IConfig
from .interfaces import IMarketplace
from .interfaces import IReputation
from .interfaces import IStaking
from .modules import accounts
from .modules import agreement
from .modules import batch_clock as clock
from .modules import batch_store as store
from .modules import disagreement
from .modules import fields
from .modules import ledger
from .modules import messages
from .modules import operators
from .modules import payments
from .modules import reasons
from .modules import results_tree
from .modules import signatures

initializes: ledger
initializes: store
initializes: clock[store := store, ledger := ledger]
initializes: payments[ledger := ledger]
initializes: operators
initializes: eip712

DUTY_SHARE: constant(uint256) = 8  # of the least bond: what pays the asker of a duty that was failed

CONFIG: immutable(IConfig)


@deploy
def __init__(stun: address, config: IConfig, staking: IStaking, reputation: IReputation):
    eip712.__init__("STUN", "1")
    ledger.__init__(stun)
    clock.__init__(staking, reputation)
    CONFIG = config


@external
def leave(batch_id: bytes32, terms: IMarketplace.Terms, replica: uint256):
    head: store.Head = store.load(batch_id, terms)
    if not (replica < terms.replicas):
        reasons.fail(reasons.BATCHES_REPLICA)
    cast: IMarketplace.Cast = terms.casts[replica]
    if accounts.widen(msg.sender) != cast.provider:
        reasons.fail(reasons.BATCHES_SIGNER)
    if not (head.state[replica] == store.PENDING):
        reasons.fail(reasons.BATCHES_REPLICA)
    if not (block.timestamp < terms.opened_at + terms.post_seconds):
        reasons.fail(reasons.BATCHES_LATE)
    penalty: uint256 = cast.bond * ((terms.rules >> fields.WITHDRAW_BPS) & fields.U16) // clock.BPS
    head = clock.go_out(batch_id, terms, head, replica, store.WITHDRAWN, penalty)
    store.save(batch_id, clock.progress(batch_id, terms, head, msg.sender))


@external
def expire(batch_id: bytes32, terms: IMarketplace.Terms):
    head: store.Head = store.load(batch_id, terms)
    phase: uint256 = head.phase
    head = clock.advance(batch_id, terms, head, msg.sender)
    if not (head.phase != phase):
        reasons.fail(reasons.BATCHES_EARLY)
    store.save(batch_id, head)


@internal
def _current(batch_id: bytes32, terms: IMarketplace.Terms, head: store.Head, settler: address) -> store.Head:
    current: store.Head = clock.advance(batch_id, terms, head, settler)
    if not (current.phase != 0):
        reasons.fail(reasons.BATCHES_LATE)
    return current


@external
def hold(batch_id: bytes32, terms: IMarketplace.Terms, until: uint256):
    head: store.Head = store.load(batch_id, terms)
    court: address = empty(address)
    audit: address = empty(address)
    court, audit = staticcall CONFIG.holders_of(terms.rules >> fields.VERSION_SHIFT)
    if not (msg.sender == court or msg.sender == audit):
        reasons.fail(reasons.BATCHES_PEER)
    head = self._current(batch_id, terms, head, msg.sender)
    if not (head.phase == store.RESULTS):
        reasons.fail(reasons.BATCHES_PHASE)
    limit: uint256 = head.phase_at + terms.challenge_seconds + ((terms.rules >> fields.MAX_HOLD) & fields.U24)
    head.hold_until = max(head.hold_until, min(until, limit))
    log IMarketplace.Held(batch_id=batch_id, seq=head.seq, hold_until=head.hold_until)
    head.seq += 1
    store.save(batch_id, head)


@external
def convict(batch_id: bytes32, terms: IMarketplace.Terms, replica: uint256, wrong: bool, challenger: address):
    head: store.Head = store.load(batch_id, terms)
    if msg.sender != staticcall CONFIG.court_of(terms.rules >> fields.VERSION_SHIFT):
        reasons.fail(reasons.BATCHES_PEER)
    head = self._current(batch_id, terms, head, msg.sender)
    if not (replica < terms.replicas and head.state[replica] <= store.REVEALED):
        reasons.fail(reasons.BATCHES_REPLICA)
    cast: IMarketplace.Cast = terms.casts[replica]
    reward: uint256 = ((terms.asset_rules >> fields.MIN_BOND) & fields.U64) // DUTY_SHARE
    if wrong:
        reward = (terms.asset_rules >> fields.REWARD_CAP) & fields.U64
    reward = min(reward, cast.bond // 4)
    head = store.forget(batch_id, head, replica)
    head.state[replica] = store.CONVICTED
    provider: address = accounts.narrow(cast.provider)
    ledger.credit(accounts.narrow(terms.asset), challenger, reward)
    ledger.forfeit(accounts.narrow(terms.asset), cast.bond - reward)
    clock.refund_price(terms, cast.price)
    if wrong:
        clock.condemn(terms, provider)
    else:
        clock.fail_duty(terms, provider)
    log IMarketplace.Convicted(
        batch_id=batch_id, provider=provider, challenger=challenger, seq=head.seq, reward=reward, wrong=wrong
    )
    head.seq += 1
    head = clock.void_resolution(batch_id, head)
    store.save(batch_id, clock.progress(batch_id, terms, head, msg.sender))


@external
def accept(
    batch_id: bytes32,
    terms: IMarketplace.Terms,
    outputs_root: bytes32,
    total_units: uint64,
    signature: Bytes[512],
    posted: bool,
    post_signature: Bytes[65],
):
    head: store.Head = store.load(batch_id, terms)
    requester: address = accounts.narrow(terms.requester)
    if msg.sender != requester:
        accepted: bytes32 = eip712._hash_typed_data_v4(messages.accept(batch_id, outputs_root, total_units))
        if not signatures.is_signed_by(requester, accepted, signature):
            reasons.fail(reasons.ACCEPT_SIGNER)
    if posted:
        if terms.replicas != 1:
            reasons.fail(reasons.BATCHES_LONE)
        provider: address = accounts.narrow(terms.casts[0].provider)
        post: bytes32 = messages.post(batch_id, provider, outputs_root, convert(total_units, uint256))
        if not operators.is_authorised(provider, eip712._hash_typed_data_v4(post), post_signature, 0):
            reasons.fail(reasons.BATCHES_SIGNER)
    self._release(batch_id, terms, head, outputs_root, convert(total_units, uint256), msg.sender, posted)


@external
def release(
    batch_id: bytes32, terms: IMarketplace.Terms, outputs_root: bytes32, total_units: uint64, settler: address
):
    head: store.Head = store.load(batch_id, terms)
    if msg.sender != staticcall CONFIG.settlement_of(terms.rules >> fields.VERSION_SHIFT):
        reasons.fail(reasons.BATCHES_PEER)
    self._release(batch_id, terms, head, outputs_root, convert(total_units, uint256), settler, False)


@internal
def _release(
    batch_id: bytes32,
    terms: IMarketplace.Terms,
    h: store.Head,
    outputs_root: bytes32,
    units: uint256,
    settler: address,
    posted: bool,
):
    head: store.Head = h
    if posted and head.phase == store.OPEN:
        if block.timestamp >= terms.opened_at + terms.post_seconds:
            reasons.fail(reasons.BATCHES_LATE)
        if units > terms.count * terms.max_units:
            reasons.fail(reasons.BATCHES_UNITS)
        head.posted = True
        head = self._accept(batch_id, terms, head, 0, outputs_root, units, settler)
    else:
        head = self._current(batch_id, terms, head, settler)
        if head.phase != store.RESULTS:
            reasons.fail(reasons.BATCHES_PHASE)
        digest: bytes32 = results_tree.result_digest(outputs_root, units)
        seq: uint256 = head.seq
        for k: uint256 in range(terms.replicas, bound=3):
            if head.state[k] == store.REVEALED and store.digest_of(batch_id, head, k) == digest:
                head = self._accept(batch_id, terms, head, k, outputs_root, units, settler)
        if head.seq == seq:
            reasons.fail(reasons.ACCEPT_ROOT)
    head = clock.void_resolution(batch_id, head)
    store.save(batch_id, clock.progress(batch_id, terms, head, settler))


@internal
def _accept(
    id: bytes32,
    terms: IMarketplace.Terms,
    h: store.Head,
    index: uint256,
    outputs_root: bytes32,
    units: uint256,
    settler: address,
) -> store.Head:
    head: store.Head = h
    paid: uint256 = 0
    head.tip_paid, paid = payments.pay(terms, index, units, head.tip_paid, settler)
    head.state[index] = store.ACCEPTED
    log IMarketplace.Accepted(
        batch_id=id,
        provider=accounts.narrow(terms.casts[index].provider),
        seq=head.seq,
        outputs_root=outputs_root,
        total_units=units,
        paid=paid,
    )
    head.seq += 1
    return head


@external
def resolve(
    batch_id: bytes32,
    terms: IMarketplace.Terms,
    tasks: DynArray[uint32, 32],
    leaves: DynArray[IMarketplace.Leaf, 96],
    siblings: Bytes[14080],
):
    head: store.Head = store.load(batch_id, terms)
    parties: DynArray[uint256, 3] = []
    for k: uint256 in range(3):
        if head.state[k] == store.REVEALED:
            parties.append(k)
    if len(parties) < 2:
        reasons.fail(reasons.RESOLVE_AGREED)
    shown: disagreement.Shown = disagreement.show(terms.count, len(parties), tasks, leaves, siblings)
    dues: uint256[3] = empty(uint256[3])
    for j: uint256 in range(len(parties), bound=3):
        k: uint256 = parties[j]
        if results_tree.result_digest(shown.roots[j], shown.totals[j]) != store.digest_of(batch_id, head, k):
            reasons.fail(reasons.RESOLVE_ROOT)
        dues[k] = shown.totals[j] - shown.lost[j]
    self._set_due(batch_id, terms, head, dues)


@external
def set_due(batch_id: bytes32, terms: IMarketplace.Terms, dues: uint256[3]):
    head: store.Head = store.load(batch_id, terms)
    if msg.sender != staticcall CONFIG.settlement_of(terms.rules >> fields.VERSION_SHIFT):
        reasons.fail(reasons.BATCHES_PEER)
    for k: uint256 in range(3):
        if dues[k] > 0 and (k >= terms.replicas or dues[k] > terms.count * terms.max_units):
            reasons.fail(reasons.BATCHES_UNITS)
    self._set_due(batch_id, terms, head, dues)


@internal
def _set_due(batch_id: bytes32, terms: IMarketplace.Terms, h: store.Head, dues: uint256[3]):
    head: store.Head = self._current(batch_id, terms, h, msg.sender)
    if head.phase != store.RESULTS:
        reasons.fail(reasons.BATCHES_PHASE)
    if block.timestamp >= agreement.resolve_by(terms, head):
        reasons.fail(reasons.BATCHES_LATE)
    if head.resolved:
        reasons.fail(reasons.RESOLVE_STANDING)
    if agreement.agreed_cell(terms, head) != store.NO_CELL:
        reasons.fail(reasons.RESOLVE_AGREED)
    head.resolved = True
    store.set_dues(batch_id, dues)
    log IMarketplace.Resolved(batch_id=batch_id, seq=head.seq, dues=dues)
    head.seq += 1
    store.save(batch_id, head)


@external
def pay_audit(
    version: uint256, asset: address, accounts_: DynArray[address, 8], amounts: DynArray[uint256, 8]
) -> uint256:
    if msg.sender != staticcall CONFIG.audit_of(version):
        reasons.fail(reasons.BATCHES_PEER)
    held: uint256 = ledger.audit_share(asset)
    left: uint256 = held
    for k: uint256 in range(len(accounts_), bound=8):
        paid: uint256 = min(amounts[k], left)
        ledger.credit(asset, accounts_[k], paid)
        left -= paid
    if left < held:
        self._set_audit(asset, held, left)
    return held - left


@external
def fund_audit(asset: address, amount: uint256):
    if amount == 0:
        reasons.fail(reasons.LEDGER_NOTHING)
    ledger.debit(asset, msg.sender, amount)
    held: uint256 = ledger.audit_share(asset)
    self._set_audit(asset, held, held + amount)


@internal
def _set_audit(asset: address, old: uint256, new: uint256):
    log IMarketplace.AuditAccountChanged(asset=asset, account=msg.sender, old=old, new=new)
    ledger.set_audit_share(asset, new)

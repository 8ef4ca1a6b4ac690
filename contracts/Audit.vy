# pragma version ~=0.4.3
"""
@title Audits: seats, draws, sealed verdicts
@custom:contract-name Audit
@license GNU Affero General Public License v3.0 only
@notice Documented in IAudit.
@custom:security Holds the seats' bonds in STUN and nothing else; has no owner. It may hold batches whose config names it,
                 which the market caps, and pay out of the audit account. It trusts the beacon, the court and the market
                 that the config names.
@custom:kill Cannot be stopped: leaving, closing and collecting are always open. A config that names another audit, or none,
             ends the draws.
"""

from .interfaces import IAudit
from .interfaces import IBeacon
from .interfaces import IConfig
from .interfaces import IMarketplace
from .modules import accounts
from .modules import audit_draws as draws
from .modules import audit_seats as list_
from .modules import audit_verdicts as verdicts
from .modules import batch_store
from .modules import disagreement
from .modules import fields
from .modules import messages
from .modules import prices
from .modules import results_tree

implements: IAudit

initializes: list_

exports: (
    list_.join,
    list_.leave,
    list_.take_bond,
    list_.epoch,
    list_.seat_at,
    list_.seat_of,
    list_.seats,
)

# @dev What a court tells of a replica (ICourt).
interface Verdicts:
    def was_convicted(batch_id: bytes32, replica: uint256) -> bool: view
    def was_wrong(batch_id: bytes32, replica: uint256) -> bool: view


EXACT: constant(uint256) = 0
MAX_ATTEMPTS: constant(uint256) = 64
TAG_SEAL: constant(bytes1) = 0x1b

ERR_BATCH: constant(String[32]) = "batches: unknown"
ERR_PHASE: constant(String[32]) = "audit: phase"
ERR_ORDER: constant(String[32]) = "audit: order"
ERR_CLASS: constant(String[32]) = "audit: class"
ERR_LATE: constant(String[32]) = "audit: late"
ERR_EARLY: constant(String[32]) = "audit: early"
ERR_REPEATED: constant(String[32]) = "audit: repeated"
ERR_ROUND: constant(String[32]) = "audit: round"
ERR_NOT_DRAWN: constant(String[32]) = "audit: not drawn"
ERR_SEATS: constant(String[32]) = "audit: seats"
ERR_UNKNOWN: constant(String[32]) = "audit: unknown"
ERR_SIGNER: constant(String[32]) = "audit: signer"
ERR_SEALED: constant(String[32]) = "audit: sealed"
ERR_OPENED: constant(String[32]) = "audit: opened"
ERR_DIGESTS: constant(String[32]) = "audit: digests"
ERR_OPENING: constant(String[32]) = "audit: opening"
ERR_AGREES: constant(String[32]) = "audit: agrees"
ERR_REPLICA: constant(String[32]) = "audit: replica"
ERR_SHOWN: constant(String[32]) = "audit: shown"
ERR_ROOT: constant(String[32]) = "audit: root"
ERR_OPEN: constant(String[32]) = "audit: open"
ERR_NOTHING: constant(String[32]) = "audit: nothing"

MARKET: immutable(IMarketplace)
CONFIG: immutable(IConfig)
DOMAIN: immutable(bytes32)

audit_digest: public(HashMap[bytes32, bytes32])
owed: public(HashMap[address, HashMap[address, uint256]])


@deploy
def __init__(market: IMarketplace, config: IConfig, stun: address, epoch_seconds: uint256):
    list_.__init__(config, stun, epoch_seconds)
    MARKET = market
    CONFIG = config
    DOMAIN = staticcall market.domain_separator()


# an audit


@external
def draw(batch_id: bytes32, terms: IMarketplace.Terms, order: IMarketplace.Order):
    view_: IMarketplace.BatchView = staticcall MARKET.batch(batch_id)
    assert view_.phase != 0 and keccak256(abi_encode(terms)) == view_.terms_digest, ERR_BATCH
    assert view_.phase == batch_store.RESULTS, ERR_PHASE
    assert keccak256(concat(b"\x19\x01", DOMAIN, messages.order(order))) == batch_id, ERR_ORDER
    assert terms.numeric_class == EXACT, ERR_CLASS
    asset: address = accounts.narrow(terms.asset)
    version: uint256 = terms.rules >> fields.VERSION_SHIFT
    rules: IConfig.AuditRules = staticcall CONFIG.audit_rules(version, asset)
    assert block.timestamp < view_.phase_at + ((rules.times >> fields.DRAW_SECONDS) & fields.U24), ERR_LATE
    assert self.audit_digest[batch_id] == empty(bytes32), ERR_REPEATED
    assert view_.round > 0 and rules.beacon != empty(address), ERR_ROUND
    audit: IAudit.Audit = empty(IAudit.Audit)
    audit.randomness = staticcall IBeacon(rules.beacon).randomness(view_.round)
    assert audit.randomness != empty(bytes32), ERR_ROUND
    auditors: uint256 = (rules.limits >> fields.AUDITORS) & fields.U8
    rate: uint256 = convert(order.audit_ppm, uint256)
    assert auditors > 0 and draws.is_drawn(audit.randomness, batch_id, rate), ERR_NOT_DRAWN
    seat_bond: uint256 = (rules.duties >> fields.SEAT_BOND) & fields.U48
    audit.sittings = self._pick(batch_id, terms, audit.randomness, view_.phase_at, auditors, seat_bond)
    assert len(audit.sittings) > 0, ERR_SEATS
    audit.batch_id = batch_id
    audit.asset = asset
    audit.version = version
    audit.count = terms.count
    audit.tasks = min(terms.count, (rules.limits >> fields.AUDIT_TASKS) & fields.U8)
    audit.share = verdicts.share(terms, audit.tasks) + ((rules.audit_word >> fields.AUDIT_FEE) & fields.U64)
    audit.report_fee = (rules.audit_word >> fields.REPORT_FEE) & fields.U64
    audit.reporter = msg.sender
    audit.seal_by = block.timestamp + ((rules.duties >> fields.AUDIT_SECONDS) & fields.U24)
    audit.reveal_by = audit.seal_by + ((rules.duties >> fields.SEAT_REVEAL_SECONDS) & fields.U24)
    audit.close_at = audit.reveal_by + ((rules.duties >> fields.CHALLENGE_OPEN_SECONDS) & fields.U24)
    for k: uint256 in range(3):
        if view_.states[k] == batch_store.REVEALED:
            audit.results[k] = view_.digests[k]
    self._store(audit)
    extcall MARKET.hold(batch_id, terms, audit.reveal_by)
    log IAudit.Drawn(batch_id=batch_id, reporter=msg.sender, audit=audit)


@external
def seal(audit: IAudit.Audit, seat: uint256, word: bytes32):
    a: IAudit.Audit = audit
    self._require_current(a)
    assert block.timestamp < a.seal_by, ERR_LATE
    assert seat < len(a.sittings), list_.ERR_SEAT
    assert msg.sender == a.sittings[seat].account, ERR_SIGNER
    assert a.sittings[seat].stage == verdicts.DRAWN, ERR_SEALED
    a.sittings[seat].stage = verdicts.SEALED
    a.sittings[seat].word = word
    self._store(a)
    log IAudit.SeatSealed(batch_id=a.batch_id, account=msg.sender, seat=seat, seal=word)


@external
def reveal(audit: IAudit.Audit, seat: uint256, agrees: uint256, digests: DynArray[bytes32, 16], salt: bytes32):
    a: IAudit.Audit = audit
    self._require_current(a)
    self._require_sealed(a)
    assert block.timestamp < a.reveal_by, ERR_LATE
    assert seat < len(a.sittings), list_.ERR_SEAT
    assert msg.sender == a.sittings[seat].account, ERR_SIGNER
    assert a.sittings[seat].stage == verdicts.SEALED, ERR_OPENED
    assert len(digests) == a.tasks, ERR_DIGESTS
    joined: Bytes[1024] = verdicts.join(digests)
    account: bytes32 = accounts.widen(msg.sender)
    assert sha256(concat(TAG_SEAL, a.batch_id, account, joined, salt)) == a.sittings[seat].word, ERR_OPENING
    for k: uint256 in range(3):
        assert a.results[k] != empty(bytes32) or (agrees >> k) & 1 == 0, ERR_AGREES
    assert agrees >> 3 == 0, ERR_AGREES
    a.sittings[seat].stage = verdicts.REVEALED
    a.sittings[seat].word = sha256(joined)
    a.sittings[seat].agrees = agrees
    self._store(a)
    log IAudit.SeatRevealed(batch_id=a.batch_id, account=msg.sender, seat=seat, agrees=agrees, digests=digests)


@external
def show(
    audit: IAudit.Audit,
    replica: uint256,
    outputs_root: bytes32,
    total_units: uint64,
    leaves: DynArray[IMarketplace.Leaf, 16],
    siblings: Bytes[14080],
):
    a: IAudit.Audit = audit
    self._require_current(a)
    self._require_sealed(a)
    assert replica < 3 and a.results[replica] != empty(bytes32), ERR_REPLICA
    assert a.shown[replica] == empty(bytes32), ERR_SHOWN
    units: uint256 = convert(total_units, uint256)
    assert results_tree.result_digest(outputs_root, units) == a.results[replica], ERR_ROOT
    drawn: DynArray[uint32, 16] = draws.tasks(a.randomness, a.batch_id, a.count, a.tasks)
    tasks: DynArray[uint32, 32] = []
    for task: uint32 in drawn:
        tasks.append(task)
    doubled: DynArray[IMarketplace.Leaf, 96] = []  # the proof of a disagreement takes two parties or three
    digests: DynArray[bytes32, 16] = []
    for leaf: IMarketplace.Leaf in leaves:
        doubled.append(leaf)
        doubled.append(leaf)
        digests.append(leaf.output_digest)
    rebuilt: disagreement.Shown = disagreement.show(a.count, 2, tasks, doubled, siblings)
    assert rebuilt.roots[0] == outputs_root and rebuilt.totals[0] == units, "resolve: root"
    a.shown[replica] = sha256(verdicts.join(digests))
    a.shower[replica] = msg.sender
    self._store(a)
    log IAudit.ResultsShown(batch_id=a.batch_id, shower=msg.sender, replica=replica, verdict=a.shown[replica])


@external
def close(audit: IAudit.Audit):
    a: IAudit.Audit = audit
    self._require_current(a)
    assert block.timestamp >= a.close_at, ERR_EARLY
    assert (staticcall MARKET.batch(a.batch_id)).phase == 0, ERR_OPEN
    self.audit_digest[a.batch_id] = empty(bytes32)
    convicted: bool[3] = empty(bool[3])
    wrong: bool[3] = empty(bool[3])
    court: address = staticcall CONFIG.court_of(a.version)
    if court != empty(address):
        for k: uint256 in range(3):
            if a.results[k] != empty(bytes32):
                convicted[k] = staticcall Verdicts(court).was_convicted(a.batch_id, k)
            if convicted[k]:
                wrong[k] = staticcall Verdicts(court).was_wrong(a.batch_id, k)
    self._pay(a, a.reporter, a.report_fee)
    for seat: uint256 in range(len(a.sittings), bound=7):
        outcome: uint256 = 0
        liar_of: uint256 = 0
        outcome, liar_of = verdicts.judge(a, seat, convicted, wrong)
        self._settle(a, a.sittings[seat], outcome, a.shower[liar_of])


@external
def collect(version: uint256, asset: address, account: address) -> uint256:
    due: uint256 = self.owed[asset][account]
    assert due > 0, ERR_NOTHING
    paid: uint256 = extcall MARKET.pay_audit(version, asset, account, due)
    assert paid > 0, ERR_NOTHING
    self.owed[asset][account] = due - paid
    log IAudit.ClaimPaid(asset=asset, account=account, amount=paid, owed=due - paid)
    return paid


# views


@external
@view
def drawn_tasks(randomness: bytes32, batch_id: bytes32, count: uint256, audit_tasks: uint256) -> DynArray[uint32, 16]:
    return draws.tasks(randomness, batch_id, count, audit_tasks)


# internal


@internal
def _store(audit: IAudit.Audit):
    self.audit_digest[audit.batch_id] = keccak256(abi_encode(audit))


@internal
@view
def _require_current(audit: IAudit.Audit):
    assert self.audit_digest[audit.batch_id] == keccak256(abi_encode(audit)), ERR_UNKNOWN


@internal
@view
def _require_sealed(audit: IAudit.Audit):
    """
    @notice Refuses what would help a seat that has not sealed yet.
    """
    if block.timestamp < audit.seal_by:
        for sitting: IAudit.Sitting in audit.sittings:
            assert sitting.stage != verdicts.DRAWN, ERR_EARLY


@internal
@view
def _pick(
    batch_id: bytes32,
    terms: IMarketplace.Terms,
    randomness: bytes32,
    results_at: uint256,
    auditors: uint256,
    seat_bond: uint256,
) -> DynArray[IAudit.Sitting, 7]:
    """
    @notice Returns the seats that a round draws for a batch, no party of it and none twice.
    """
    found: DynArray[IAudit.Sitting, 7] = []
    epoch: uint256 = list_.epoch_of(results_at)
    if epoch == 0:
        return found
    listed: uint256 = list_.listed(epoch)
    if listed == 0:
        return found
    for attempt: uint256 in range(MAX_ATTEMPTS):
        if len(found) == auditors:
            break
        place: uint256 = draws.candidate(randomness, batch_id, attempt, listed)
        seat: IAudit.Seat = list_.at(place)
        if list_.is_free(seat, epoch, seat_bond) and not verdicts.is_party(seat.account, terms):
            taken: bool = False
            for sitting: IAudit.Sitting in found:
                taken = taken or sitting.place == place
            if not taken:
                found.append(
                    IAudit.Sitting(place=place, account=seat.account, stage=verdicts.DRAWN, word=empty(bytes32), agrees=0)
                )
    return found


@internal
def _settle(audit: IAudit.Audit, sitting: IAudit.Sitting, outcome: uint256, shower: address):
    lost: uint256 = 0
    share: uint256 = 0
    if outcome == verdicts.PAID:
        share = audit.share
        self._pay(audit, sitting.account, share)
    elif outcome == verdicts.SILENT:
        duties: uint256 = staticcall CONFIG.duties(audit.version)
        lost = list_.lose(sitting.place, (duties >> fields.SEAT_SILENCE_BPS) & fields.U16, empty(address))
    elif outcome == verdicts.LIED:
        lost = list_.lose(sitting.place, list_.BPS, shower)
    elif outcome == verdicts.CONFIRMED:
        lost = list_.lose(sitting.place, list_.BPS, empty(address))
    log IAudit.SeatJudged(
        batch_id=audit.batch_id, account=sitting.account, outcome=outcome, share=share, lost=lost
    )


@internal
def _pay(audit: IAudit.Audit, account: address, amount: uint256):
    """
    @notice Pays what the audit account holds; the rest is owed.
    """
    if amount > 0:
        paid: uint256 = extcall MARKET.pay_audit(audit.version, audit.asset, account, amount)
        if paid < amount:
            self.owed[audit.asset][account] += amount - paid

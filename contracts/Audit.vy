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
from .modules import audit_causes as causes
from .modules import audit_draws as draws
from .modules import audit_seats as list_
from .modules import audit_verdicts as verdicts
from .modules import batch_store
from .modules import disagreement
from .modules import fields
from .modules import messages
from .modules import reasons
from .modules import results_tree
from .modules import signatures

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
    if not (view_.phase != 0 and keccak256(abi_encode(terms)) == view_.terms_digest):
        reasons.fail(causes.BATCHES_UNKNOWN)
    if not (view_.phase == batch_store.RESULTS):
        reasons.fail(causes.AUDIT_PHASE)
    if not (keccak256(concat(b"\x19\x01", DOMAIN, messages.order(order))) == batch_id):
        reasons.fail(causes.AUDIT_ORDER)
    if not (terms.numeric_class == EXACT):
        reasons.fail(causes.AUDIT_CLASS)
    asset: address = accounts.narrow(terms.asset)
    version: uint256 = terms.rules >> fields.VERSION_SHIFT
    rules: IConfig.AuditRules = staticcall CONFIG.audit_rules(version, asset)
    if not (block.timestamp < view_.phase_at + ((rules.times >> fields.DRAW_SECONDS) & fields.U24)):
        reasons.fail(causes.AUDIT_LATE)
    if not (self.audit_digest[batch_id] == empty(bytes32)):
        reasons.fail(causes.AUDIT_REPEATED)
    if not (view_.round > 0 and rules.beacon != empty(address)):
        reasons.fail(causes.AUDIT_ROUND)
    audit: IAudit.Audit = empty(IAudit.Audit)
    audit.randomness = staticcall IBeacon(rules.beacon).randomness(view_.round)
    if not (audit.randomness != empty(bytes32)):
        reasons.fail(causes.AUDIT_ROUND)
    auditors: uint256 = (rules.limits >> fields.AUDITORS) & fields.U8
    rate: uint256 = convert(order.audit_ppm, uint256)
    if not (auditors > 0 and draws.is_drawn(audit.randomness, batch_id, rate)):
        reasons.fail(causes.AUDIT_NOT_DRAWN)
    seat_bond: uint256 = (rules.duties >> fields.SEAT_BOND) & fields.U48
    audit.sittings = self._pick(batch_id, terms, audit.randomness, view_.phase_at, auditors, seat_bond)
    if not (len(audit.sittings) > 0):
        reasons.fail(causes.AUDIT_SEATS)
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
def seal(audit: IAudit.Audit, seals: DynArray[IAudit.Sealing, 7], signatures_: Bytes[455]):
    a: IAudit.Audit = audit
    self._require_current(a)
    if not (len(seals) > 0):
        reasons.fail(causes.AUDIT_NOTHING)
    if not (block.timestamp < a.seal_by):
        reasons.fail(causes.AUDIT_LATE)
    for place: uint256 in range(len(seals), bound=7):
        s: IAudit.Sealing = seals[place]
        if not (s.seat < len(a.sittings)):
            reasons.fail(causes.AUDIT_SEAT)
        account: address = a.sittings[s.seat].account
        if msg.sender != account:
            message: bytes32 = messages.seat_seal(a.batch_id, account, s.word)
            self._require_signed(account, message, signatures_, place)
        if not (a.sittings[s.seat].stage == verdicts.DRAWN):
            reasons.fail(causes.AUDIT_SEALED)
        a.sittings[s.seat].stage = verdicts.SEALED
        a.sittings[s.seat].word = s.word
        log IAudit.SeatSealed(batch_id=a.batch_id, account=account, seat=s.seat, seal=s.word)
    self._store(a)


@external
def reveal(audit: IAudit.Audit, openings: DynArray[IAudit.Opening, 7], signatures_: Bytes[455]):
    a: IAudit.Audit = audit
    self._require_current(a)
    if not (len(openings) > 0):
        reasons.fail(causes.AUDIT_NOTHING)
    self._require_sealed(a)
    if not (block.timestamp < a.reveal_by):
        reasons.fail(causes.AUDIT_LATE)
    for place: uint256 in range(len(openings), bound=7):
        o: IAudit.Opening = openings[place]
        if not (o.seat < len(a.sittings)):
            reasons.fail(causes.AUDIT_SEAT)
        account: address = a.sittings[o.seat].account
        if msg.sender != account:
            message: bytes32 = messages.seat_verdict(a.batch_id, account, o.verdict, o.agrees)
            self._require_signed(account, message, signatures_, place)
        if not (a.sittings[o.seat].stage == verdicts.SEALED):
            reasons.fail(causes.AUDIT_OPENED)
        word: bytes32 = sha256(concat(TAG_SEAL, a.batch_id, accounts.widen(account), o.verdict, o.salt))
        if not (word == a.sittings[o.seat].word):
            reasons.fail(causes.AUDIT_OPENING)
        if not (o.agrees >> 3 == 0):
            reasons.fail(causes.AUDIT_AGREES)
        for k: uint256 in range(3):
            if not (a.results[k] != empty(bytes32) or (o.agrees >> k) & 1 == 0):
                reasons.fail(causes.AUDIT_AGREES)
        a.sittings[o.seat].stage = verdicts.REVEALED
        a.sittings[o.seat].word = o.verdict
        a.sittings[o.seat].agrees = o.agrees
        log IAudit.SeatRevealed(
            batch_id=a.batch_id, account=account, seat=o.seat, agrees=o.agrees, verdict=o.verdict
        )
    self._store(a)


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
    if not (replica < 3 and a.results[replica] != empty(bytes32)):
        reasons.fail(causes.AUDIT_REPLICA)
    if not (a.shown[replica] == empty(bytes32)):
        reasons.fail(causes.AUDIT_SHOWN)
    units: uint256 = convert(total_units, uint256)
    if not (results_tree.result_digest(outputs_root, units) == a.results[replica]):
        reasons.fail(causes.AUDIT_ROOT)
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
    if not (rebuilt.roots[0] == outputs_root and rebuilt.totals[0] == units):
        reasons.fail(causes.RESOLVE_ROOT)
    a.shown[replica] = sha256(verdicts.join(digests))
    a.shower[replica] = msg.sender
    self._store(a)
    log IAudit.ResultsShown(batch_id=a.batch_id, shower=msg.sender, replica=replica, verdict=a.shown[replica])


@external
def close(audit: IAudit.Audit):
    a: IAudit.Audit = audit
    self._require_current(a)
    if not (block.timestamp >= a.close_at):
        reasons.fail(causes.AUDIT_EARLY)
    if not ((staticcall MARKET.batch(a.batch_id)).phase == 0):
        reasons.fail(causes.AUDIT_OPEN)
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
    payees: DynArray[address, 8] = [a.reporter]
    amounts: DynArray[uint256, 8] = [a.report_fee]
    for seat: uint256 in range(len(a.sittings), bound=7):
        outcome: uint256 = 0
        liar_of: uint256 = 0
        outcome, liar_of = verdicts.judge(a, seat, convicted, wrong)
        lost: uint256 = self._take_bond(a, a.sittings[seat].place, outcome, a.shower[liar_of])
        share: uint256 = 0
        if outcome == verdicts.PAID and a.share > 0:
            share = a.share
            payees.append(a.sittings[seat].account)
            amounts.append(share)
        log IAudit.SeatJudged(
            batch_id=a.batch_id, account=a.sittings[seat].account, outcome=outcome, share=share, lost=lost
        )
    left: uint256 = extcall MARKET.pay_audit(a.version, a.asset, payees, amounts)
    for k: uint256 in range(len(payees), bound=8):
        if amounts[k] > left:
            self.owed[a.asset][payees[k]] += amounts[k] - left
        left -= min(left, amounts[k])


@external
def collect(version: uint256, asset: address, account: address) -> uint256:
    due: uint256 = self.owed[asset][account]
    if not (due > 0):
        reasons.fail(causes.AUDIT_NOTHING)
    paid: uint256 = extcall MARKET.pay_audit(version, asset, [account], [due])
    if not (paid > 0):
        reasons.fail(causes.AUDIT_NOTHING)
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
@pure
def _digest(audit: IAudit.Audit) -> bytes32:
    return keccak256(abi_encode(audit))


@internal
def _store(audit: IAudit.Audit):
    self.audit_digest[audit.batch_id] = self._digest(audit)


@internal
@view
def _require_current(audit: IAudit.Audit):
    if not (self.audit_digest[audit.batch_id] == self._digest(audit)):
        reasons.fail(causes.AUDIT_UNKNOWN)


@internal
@view
def _require_sealed(audit: IAudit.Audit):
    """
    @notice Refuses what would help a seat that has not sealed yet.
    """
    if block.timestamp < audit.seal_by:
        for sitting: IAudit.Sitting in audit.sittings:
            if not (sitting.stage != verdicts.DRAWN):
                reasons.fail(causes.AUDIT_EARLY)


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
@view
def _require_signed(account: address, message: bytes32, signatures_: Bytes[455], place: uint256):
    """
    @notice Refuses what a seat neither brought nor signed.
    """
    digest: bytes32 = keccak256(concat(b"\x19\x01", DOMAIN, message))
    if not (signatures.recover(digest, signatures_, place) == account):
        reasons.fail(causes.AUDIT_SIGNER)


@internal
def _take_bond(audit: IAudit.Audit, place: uint256, outcome: uint256, shower: address) -> uint256:
    """
    @notice Takes what a seat loses of its bond, and returns it.
    """
    if outcome == verdicts.SILENT:
        duties: uint256 = staticcall CONFIG.duties(audit.version)
        return list_.lose(place, (duties >> fields.SEAT_SILENCE_BPS) & fields.U16, empty(address))
    if outcome == verdicts.LIED:
        return list_.lose(place, list_.BPS, shower)
    if outcome == verdicts.CONFIRMED:
        return list_.lose(place, list_.BPS, empty(address))
    return 0

"""An audit from its draw to the last opened seal."""

from dataclasses import replace
from hashlib import sha256

from stun.protocol import config, money, parameters
from stun.protocol.audit.actions import Draw, Reveal, Seal, Show
from stun.protocol.audit.draft import Draft
from stun.protocol.audit.draws import drawn_seats, drawn_tasks, is_drawn, seal_of, verdict_of
from stun.protocol.audit.seats import is_free
from stun.protocol.audit.state import MAX_RESULTS, Audit, Sitting, Stage
from stun.protocol.errors import require
from stun.protocol.market.actions import Hold
from stun.protocol.market.state import Batch, Phase, Terms
from stun.protocol.parameters import NumericClass
from stun.protocol.trees.resolve import Resolution, verify_resolution


def draw(draft: Draft, action: Draw) -> None:
    """Show that a batch is drawn; it is held until its seats have opened their seals.

    Errors: "batches: unknown", "audit: phase" (no results), "audit: order" (of another batch), "audit: class", "audit:
    late" (from results_at + draw_seconds), "audit: repeated", "audit: round" (not brought yet, or none decides),
    "audit: not drawn", "audit: seats" (none is free), "batches: peer".
    """
    batch = draft.market.batches.get(action.batch_id)
    require(batch is not None, "batches: unknown")
    assert batch is not None
    terms, version = batch.terms, parameters.version_of(batch.terms.rules)
    require(batch.phase == Phase.RESULTS, "audit: phase")
    require(action.order.digest(draft.market.domain) == action.batch_id, "audit: order")
    require(terms.numeric_class == NumericClass.EXACT, "audit: class")
    require(draft.now < batch.phase_at + draft.value(version, "draw_seconds"), "audit: late")
    require(action.batch_id not in draft.audit.audits, "audit: repeated")
    randomness = _randomness(draft, batch, version)
    auditors = draft.value(version, "auditors")
    require(auditors > 0 and is_drawn(randomness, action.batch_id, action.order.audit_ppm), "audit: not drawn")
    sittings = _sittings(draft, action, batch, randomness, auditors)
    require(len(sittings) > 0, "audit: seats")
    audit = _audit(draft, action, batch, randomness, sittings)
    draft.put_audit(audit)
    draft.on_market(Hold(draft.audit.account, action.batch_id, audit.reveal_by))
    draft.emit("Drawn", batch_id=action.batch_id, reporter=draft.sender, audit=audit)


def _randomness(draft: Draft, batch: Batch, version: int) -> bytes:
    beacon = draft.market.beacons.get(config.peers(draft.market.config, version).beacon)
    require(batch.round > 0 and beacon is not None, "audit: round")
    assert beacon is not None
    randomness = beacon.randomness(batch.round)
    require(randomness != bytes(32), "audit: round")
    return randomness


def _sittings(draft: Draft, action: Draw, batch: Batch, randomness: bytes, auditors: int) -> tuple[Sitting, ...]:
    terms, seats = batch.terms, draft.audit.seats
    epoch = draft.audit.epoch(batch.phase_at)
    parties = frozenset({terms.requester, *(cast.provider for cast in terms.casts)})
    least = draft.value(parameters.version_of(terms.rules), "seat_bond")
    listed = draft.audit.listed(epoch, draft.now)
    places = drawn_seats(
        randomness, action.batch_id, listed, auditors, lambda place: is_free(seats[place], epoch, least, parties)
    )
    return tuple(Sitting(place, seats[place].account) for place in places)


def _audit(draft: Draft, action: Draw, batch: Batch, randomness: bytes, sittings: tuple[Sitting, ...]) -> Audit:
    terms, version = batch.terms, parameters.version_of(batch.terms.rules)
    tasks = min(terms.count, draft.value(version, "audit_tasks"))
    fees = parameters.asset_rules_from_word(0, draft.market.config.audit_words.get(terms.asset, 0))
    seal_by = draft.now + draft.value(version, "audit_seconds")
    reveal_by = seal_by + draft.value(version, "seat_reveal_seconds")
    return Audit(
        batch_id=action.batch_id,
        asset=terms.asset,
        version=version,
        count=terms.count,
        tasks=tasks,
        randomness=randomness,
        share=money.seat_share(_dearest(terms), terms.count, tasks, fees.audit_fee),
        report_fee=fees.report_fee,
        reporter=draft.sender,
        seal_by=seal_by,
        reveal_by=reveal_by,
        close_at=reveal_by + draft.value(version, "challenge_open_seconds"),
        results=_results(batch),
        sittings=sittings,
    )


def _dearest(terms: Terms) -> int:
    return max(money.price_locked(terms.count, terms.max_units, cast.price) for cast in terms.casts)


def _results(batch: Batch) -> tuple[bytes, ...]:
    digests = [bytes(32)] * MAX_RESULTS
    for index in batch.revealed:
        digests[index] = _result_digest(*batch.replicas[index].claim)
    return tuple(digests)


def _result_digest(outputs_root: bytes, total_units: int) -> bytes:
    return sha256(outputs_root + total_units.to_bytes(8, "big")).digest()


def seal(draft: Draft, action: Seal) -> None:
    """Seats commit themselves, each once, by their own call or their signed SeatSeal.

    Errors: "audit: unknown", "audit: nothing" (no seal), "audit: late" (from seal_by), "audit: seat", "audit: signer",
    "audit: sealed".
    """
    audit = action.audit
    draft.require_current(audit)
    require(len(action.seals) > 0, "audit: nothing")
    require(draft.now < audit.seal_by, "audit: late")
    for sealing in action.seals:
        sitting = draft.sitting(audit, sealing.seat)
        require(sitting.account in (draft.sender, sealing.signer), "audit: signer")
        require(sitting.stage == Stage.DRAWN, "audit: sealed")
        audit = audit.with_sitting(sealing.seat, replace(sitting, stage=Stage.SEALED, word=sealing.seal))
        draft.emit("SeatSealed", batch_id=audit.batch_id, account=sitting.account, seat=sealing.seat, seal=sealing.seal)
    draft.put_audit(audit)


def reveal(draft: Draft, action: Reveal) -> None:
    """Seats open their seals once all are in or seal_by has passed, by their own call or their signed SeatVerdict.

    Errors: "audit: unknown", "audit: nothing" (no opening), "audit: early", "audit: late" (from reveal_by), "audit:
    seat", "audit: signer", "audit: opened" (nothing is sealed), "audit: opening", "audit: agrees" (with a replica that
    has no result).
    """
    audit = action.audit
    draft.require_current(audit)
    require(len(action.openings) > 0, "audit: nothing")
    _require_sealed(draft, audit)
    require(draft.now < audit.reveal_by, "audit: late")
    there = sum(1 << r for r, result in enumerate(audit.results) if result != bytes(32))
    for opening in action.openings:
        sitting = draft.sitting(audit, opening.seat)
        require(sitting.account in (draft.sender, opening.signer), "audit: signer")
        require(sitting.stage == Stage.SEALED, "audit: opened")
        word = seal_of(audit.batch_id, sitting.account, opening.verdict, opening.salt)
        require(word == sitting.word, "audit: opening")
        require(opening.agrees >= 0 and opening.agrees & ~there == 0, "audit: agrees")
        opened = replace(sitting, stage=Stage.REVEALED, word=opening.verdict, agrees=opening.agrees)
        audit = audit.with_sitting(opening.seat, opened)
        draft.emit(
            "SeatRevealed", batch_id=audit.batch_id, account=sitting.account, seat=opening.seat,
            agrees=opening.agrees, verdict=opening.verdict,
        )  # fmt: skip
    draft.put_audit(audit)


def show(draft: Draft, action: Show) -> None:
    """Prove what a replica's results of the drawn tasks are, so that no seat can claim to agree with something else.

    Errors: "audit: unknown", "audit: early" (before the seals are in), "audit: replica" (without a result), "audit:
    shown", "audit: root" (not its result), those of `verify_resolution`.
    """
    audit = action.audit
    draft.require_current(audit)
    _require_sealed(draft, audit)
    known = 0 <= action.replica < MAX_RESULTS and audit.results[action.replica] != bytes(32)
    require(known, "audit: replica")
    require(audit.shown[action.replica] == bytes(32), "audit: shown")
    root, units = action.outputs_root, action.total_units
    require(_result_digest(root, units) == audit.results[action.replica], "audit: root")
    tasks = drawn_tasks(audit.randomness, audit.batch_id, audit.count, audit.tasks)
    doubled = tuple((leaf, leaf) for leaf in action.leaves)
    verify_resolution(audit.count, [root] * 2, [units] * 2, Resolution(tasks, doubled, action.siblings))
    verdict = verdict_of([leaf.output_digest for leaf in action.leaves])
    shown, shower = list(audit.shown), list(audit.shower)
    shown[action.replica], shower[action.replica] = verdict, draft.sender
    draft.put_audit(replace(audit, shown=tuple(shown), shower=tuple(shower)))
    draft.emit("ResultsShown", batch_id=audit.batch_id, shower=draft.sender, replica=action.replica, verdict=verdict)


def _require_sealed(draft: Draft, audit: Audit) -> None:
    sealed = all(sitting.stage != Stage.DRAWN for sitting in audit.sittings)
    require(sealed or draft.now >= audit.seal_by, "audit: early")

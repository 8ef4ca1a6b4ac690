"""Challenges: evidence announced as a hash, opened a block later, judged at once."""

from stun.protocol.court import actions
from stun.protocol.court.draft import GWEI, Draft
from stun.protocol.court.evidence import place_of, seal
from stun.protocol.court.state import Announcement
from stun.protocol.court.verdicts import is_wrong
from stun.protocol.errors import Rejected, require
from stun.protocol.market.state import Phase


def announce(draft: Draft, action: actions.Announce) -> None:
    """Announce evidence with a deposit; a batch with results is held until the evidence can be opened.

    Errors: "batches: unknown", "court: peer", "court: replica" (not live), "court: late" (the batch may be settled),
    "court: deposit", "court: repeated" (the same hash waits).
    """
    batch = draft.live_batch(action.batch_id, action.replica)
    require(draft.judges(batch), "court: peer")
    has_results = batch.phase == Phase.RESULTS
    require(not has_results or draft.chain.now < batch.quiet_at, "court: late")
    gas = 2 * draft.duty(batch, "challenge_gas") * draft.chain.basefee
    deposit = draft.duty(batch, "answer_floor_gwei") * GWEI + gas
    draft.take(action.value, deposit)
    open_until = draft.chain.now + draft.duty(batch, "challenge_open_seconds")
    require(action.digest not in draft.court.announcements, "court: repeated")
    provider = batch.terms.casts[action.replica].provider
    announced = Announcement(
        draft.sender, action.batch_id, action.replica, provider, deposit, open_until, draft.chain.block
    )
    draft.put_announcement(action.digest, announced)
    if has_results:
        draft.hold(action.batch_id, open_until)
    draft.emit("ChallengeAnnounced", digest=action.digest, announcement=announced)


def challenge(draft: Draft, action: actions.Challenge) -> None:
    """Open evidence. If it convicts, the challenger has deposit and reward; if not, the provider has the deposit.

    Errors: "court: unknown", "court: block" (announced in this block), "court: late", "court: place" (announced
    against another replica), "court: replica" (it is out already), those of `verdicts.is_wrong` for evidence that is
    malformed, and those of the market's `convict`.
    """
    digest = seal(draft.sender, action.evidence_digest, action.salt)
    announced = _announced(draft, digest)
    require(draft.chain.block > announced.block, "court: block")
    require(draft.chain.now < announced.open_until, "court: late")
    place = announced.batch_id, announced.replica
    require(place_of(action.evidence) == place, "court: place")
    draft.live_batch(*place)
    wrong = is_wrong(draft, action.evidence)
    draft.put_announcement(digest, None)
    receiver = announced.challenger if wrong else announced.provider
    draft.credit(receiver, announced.deposit)
    draft.emit("ChallengeOpened", digest=digest, kind=type(action.evidence).__name__, wrong=wrong)
    if wrong:
        draft.convict(*place, True, announced.challenger)


def lapse(draft: Draft, action: actions.Lapse) -> None:
    """Pay out the deposit of evidence that was not opened.

    To the challenger if the replica was convicted, or went out before the time was over; else to the provider.
    Errors: "court: unknown", "court: early".
    """
    announced = _announced(draft, action.digest)
    place = announced.batch_id, announced.replica
    late = draft.chain.now >= announced.open_until
    gone = not draft.is_live(*place)
    require(late or gone, "court: early")
    excused = place in draft.court.convicted or not late
    receiver = announced.challenger if excused else announced.provider
    draft.put_announcement(action.digest, None)
    draft.credit(receiver, announced.deposit)
    draft.emit("ChallengeLapsed", digest=action.digest, receiver=receiver)


def _announced(draft: Draft, digest: bytes) -> Announcement:
    if digest not in draft.court.announcements:
        raise Rejected("court: unknown")
    return draft.court.announcements[digest]

"""What the other contracts of a config may do to a batch: hold it, and convict a replica. Nothing else."""

from stun.protocol import config, parameters
from stun.protocol.errors import Rejected, require
from stun.protocol.market import clock
from stun.protocol.market.actions import Convict, Hold
from stun.protocol.market.draft import Draft
from stun.protocol.market.state import LIVE, Batch, Phase, ReplicaState


def hold(draft: Draft, action: Hold) -> None:
    """Keep a batch from settling until a moment, never past window_end + MAX_HOLD, so that no court traps money.

    By the court or the audit of the batch's config. Errors: "batches: peer", "batches: phase", "batches: late".
    """
    batch = draft.batch(action.batch_id)
    peers = config.peers(draft.market.config, parameters.version_of(batch.terms.rules))
    require(action.sender in (peers.court, peers.audit), "batches: peer")
    batch = _current(draft, action.batch_id)
    require(batch.phase == Phase.RESULTS, "batches: phase")
    limit = batch.window_end + batch.terms.rule("max_hold")
    hold_until = max(batch.hold_until, min(action.until, limit))
    draft.change(action.batch_id, hold_until=hold_until)
    draft.emit_batch(action.batch_id, "Held", hold_until=hold_until)


def convict(draft: Draft, action: Convict) -> None:
    """End a live replica. By the court of the batch's config.

    A wrong result costs the whole bond (the challenger gets min(reward_cap, bond / 4), the rest is burned or insured),
    a part of the stake and all reputation. A failed duty costs the whole bond, a smaller part of the stake, and counts
    as silence; nobody is rewarded. The requester has its price back. Errors: "batches: peer", "batches: late",
    "batches: replica".
    """
    batch = draft.batch(action.batch_id)
    peers = config.peers(draft.market.config, parameters.version_of(batch.terms.rules))
    require(action.sender == peers.court, "batches: peer")
    batch = _current(draft, action.batch_id)
    known = 0 <= action.replica < len(batch.replicas)
    require(known and batch.replicas[action.replica].state in LIVE, "batches: replica")
    terms, cast = batch.terms, batch.terms.casts[action.replica]
    reward = min(terms.asset_rule().reward_cap, cast.bond // 4) if action.wrong else 0
    draft.change_replica(action.batch_id, action.replica, state=ReplicaState.CONVICTED, commitment=b"")
    draft.credit(terms.asset, action.challenger, reward)
    draft.forfeit(terms.asset, cast.bond - reward)
    clock.refund_price(draft, action.batch_id, action.replica)
    if action.wrong:
        draft.slash(cast.provider, terms.rule("stake_slash_bps"))
        draft.mark_convicted(cast.provider)
    else:
        draft.slash(cast.provider, terms.rule("silence_slash_bps"))
        draft.mark_silent(cast.provider, terms.rule("beta_ppm"))
    draft.emit_batch(
        action.batch_id,
        "Convicted",
        provider=cast.provider,
        challenger=action.challenger,
        reward=reward,
        wrong=action.wrong,
    )
    clock.void_resolution(draft, action.batch_id)
    clock.progress(draft, action.batch_id)


def _current(draft: Draft, batch_id: bytes) -> Batch:
    batch = clock.advance(draft, batch_id)
    if batch is None:
        raise Rejected("batches: late")
    return batch

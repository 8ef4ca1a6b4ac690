"""What the other contracts of a config may do: hold a batch, convict a replica, pay an audit. Nothing else."""

from stun.protocol import config, parameters
from stun.protocol.errors import Rejected, require
from stun.protocol.market import clock
from stun.protocol.market.actions import Convict, Hold, PayAudit
from stun.protocol.market.draft import Draft
from stun.protocol.market.state import LIVE, Batch, Phase, ReplicaState
from stun.protocol.messages import NOBODY

DUTY_SHARE = 8  # of the least bond: what pays the asker of a duty that was failed


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
    as silence; the asker gets min_bond / 8, which pays for the demands and is no reason to make them. The requester has
    its price back. Errors: "batches: peer", "batches: late", "batches: replica".
    """
    batch = draft.batch(action.batch_id)
    peers = config.peers(draft.market.config, parameters.version_of(batch.terms.rules))
    require(action.sender == peers.court, "batches: peer")
    batch = _current(draft, action.batch_id)
    known = 0 <= action.replica < len(batch.replicas)
    require(known and batch.replicas[action.replica].state in LIVE, "batches: replica")
    terms, cast = batch.terms, batch.terms.casts[action.replica]
    asset = terms.asset_rule()
    most = asset.reward_cap if action.wrong else asset.min_bond // DUTY_SHARE
    reward = min(most, cast.bond // 4)
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


def pay_audit(draft: Draft, action: PayAudit) -> None:
    """Pay seats and reporters, in their order, as much as the asset's audit account holds; the rest stays a claim.

    By the audit of the config version named. Errors: "batches: peer".
    """
    require(action.sender == config.peers(draft.market.config, action.version).audit != NOBODY, "batches: peer")
    held = draft.audit.get(action.asset, 0)
    left = held
    for account, amount in action.payments:
        paid = min(amount, left)
        draft.credit(action.asset, account, paid)
        left -= paid
    if left < held:
        draft.change_audit(action.asset, draft.sender, left - held)


def _current(draft: Draft, batch_id: bytes) -> Batch:
    batch = clock.advance(draft, batch_id)
    if batch is None:
        raise Rejected("batches: late")
    return batch

"""The settler's decision: what moves each unfinished batch on, if it is due, pays, and is this keeper's turn.

Source: docs/PROTOCOL.md, sections 6.3 to 6.8.
"""

from keepers.services.delivering import due_delivery, due_post
from keepers.services.profit import EXPIRE_GAS, RESOLVE_GAS, SETTLE_GAS, settle_fee
from keepers.services.progress import attempt, batch_now, stored_batch
from keepers.services.settler_state import (
    BringResolution,
    CallTime,
    Due,
    OpenBatch,
    SettleBatch,
    SettlerAction,
    SettlerState,
)
from stun.protocol.errors import Rejected
from stun.protocol.market import actions
from stun.protocol.market.settlement import agreed_root
from stun.protocol.market.state import Batch, Phase
from stun.protocol.trees.resolve import prove_differences


def decide(state: SettlerState, now: int) -> list[SettlerAction]:
    """Return at most one action for each batch at `now` (the chain's clock), in the order of the batches."""
    chosen = []
    for known in state.batches:
        due = None if known.acting else due_action(known, state, now)
        if due is not None and _is_turn(due, state, now):
            chosen.append(due.action)
    return chosen


def due_action(known: OpenBatch, state: SettlerState, now: int) -> Due | None:
    """Return what is due for a batch and pays, whoever's turn it is."""
    batch = stored_batch(known)
    if batch is None:
        return None
    late = batch_now(known, batch, state, now)
    due = None if late is None else _next(known, batch, late, state, now)
    if due is None and (late is None or late.phase != batch.phase):
        due = _call_time(known, batch, state, now)
    if due is None:
        return None
    fee = _fee(known, batch, late, due, state, now)
    return due if state.policy.profit.pays(batch.terms.asset, fee, due.gas) else None


def _is_turn(due: Due, state: SettlerState, now: int) -> bool:
    delay = state.policy.turns.delay(due.action.batch_id, state.keeper, due.patience)
    return now >= due.since + delay


def _next(known: OpenBatch, batch: Batch, late: Batch, state: SettlerState, now: int) -> Due | None:
    if late.phase == Phase.RESULTS:
        return _due_end(known, batch, late, state, now)
    if len(late.terms.casts) == 1:
        return due_post(known, batch, state, now)
    return due_delivery(known, batch, late, state, now)


def _due_end(known: OpenBatch, batch: Batch, late: Batch, state: SettlerState, now: int) -> Due | None:
    """Settle what agrees or is resolved once it is quiet; resolve a disagreement, or refund it when nobody could."""
    gas = SETTLE_GAS[len(batch.terms.casts)]
    if late.dues is not None:
        return _settle(known, batch, SettleBatch(known.batch_id), late.quiet_at, gas, state, now)
    root = agreed_root(late)
    if root is not None:
        units = next(replica.total_units for replica in late.replicas if replica.outputs_root == root)
        return _settle(known, batch, SettleBatch(known.batch_id, root, units), late.quiet_at, gas, state, now)
    if now >= late.resolve_by:
        return _settle(known, batch, SettleBatch(known.batch_id), late.resolve_by, gas, state, now)
    return _due_resolution(known, batch, late, state, now)


def _settle(
    known: OpenBatch, batch: Batch, action: SettleBatch, since: int, gas: int, state: SettlerState, now: int
) -> Due | None:
    plan = actions.Settle(state.keeper, known.batch_id, action.outputs_root, action.total_units)
    if attempt(known, batch, state, plan, now) is None:
        return None
    return Due(action, since, patience=_longest_turn(state), gas=gas)


def _due_resolution(known: OpenBatch, batch: Batch, late: Batch, state: SettlerState, now: int) -> Due | None:
    trees = [known.trees.get(k) for k in late.revealed]
    roots = [late.replicas[k].outputs_root for k in late.revealed]
    complete = [tree for tree in trees if tree is not None]
    if len(complete) != len(roots) or [tree.root for tree in complete] != roots:
        return None
    try:
        resolution = prove_differences(complete)
    except Rejected:  # more tasks differ than one resolution may show
        return None
    if attempt(known, batch, state, actions.Resolve(state.keeper, known.batch_id, resolution), now) is None:
        return None
    gas = RESOLVE_GAS + SETTLE_GAS[len(batch.terms.casts)]
    return Due(BringResolution(known.batch_id, resolution), late.phase_at, _longest_turn(state), gas)


def _call_time(known: OpenBatch, batch: Batch, state: SettlerState, now: int) -> Due | None:
    if attempt(known, batch, state, actions.Expire(state.keeper, known.batch_id), now) is None:
        return None
    deadline = batch.terms.post_by if batch.phase == Phase.OPEN else batch.reveal_by
    return Due(CallTime(known.batch_id), deadline, _longest_turn(state), EXPIRE_GAS)


def _fee(known: OpenBatch, batch: Batch, late: Batch | None, due: Due, state: SettlerState, now: int) -> int:
    """What the batch still pays to this keeper: exactly where the action ends it, else by expectation."""
    if late is None:
        return 0
    if isinstance(due.action, SettleBatch):
        action = due.action
        plan = actions.Settle(state.keeper, known.batch_id, action.outputs_root, action.total_units)
        return attempt(known, batch, state, plan, now) or 0
    return settle_fee(state.keeper, late, state.policy.profit.expected_use_bps)


def _longest_turn(state: SettlerState) -> int:
    turns = state.policy.turns
    return turns.slot_seconds * max(turns.places, len(turns.keepers))

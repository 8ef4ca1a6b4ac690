"""The one entry to the audit's state machine, which steps the market's where it holds or is paid."""

from collections.abc import Callable, Mapping
from typing import Any

from stun.protocol.audit import actions, closing, hearing, seats
from stun.protocol.audit.actions import Action
from stun.protocol.audit.draft import Draft
from stun.protocol.audit.state import AuditState, Verdicts
from stun.protocol.market.state import Event, Market

RULES: dict[type, Callable[[Draft, Any], None]] = {
    actions.Join: seats.join,
    actions.Leave: seats.leave,
    actions.TakeBond: seats.take_bond,
    actions.Draw: hearing.draw,
    actions.Seal: hearing.seal,
    actions.Reveal: hearing.reveal,
    actions.Show: hearing.show,
    actions.Close: closing.close,
    actions.Collect: closing.collect,
}
assert set(RULES) == set(actions.ACTIONS), "an action without a rule"


def step(
    market: Market, audit: AuditState, action: Action, now: int, courts: Mapping[bytes, Verdicts]
) -> tuple[Market, AuditState, tuple[Event, ...]]:
    """Apply one action; return both new states and the events in order, or raise Rejected and change nothing.

    `courts` says of each court by its account what it has convicted.
    """
    draft = Draft(market, audit, courts, action.sender, now)
    RULES[type(action)](draft, action)
    return draft.market, draft.audit, tuple(draft.events)

"""The one entry to the state machine."""

from collections.abc import Callable
from typing import Any

from stun.protocol.market import accounts, actions, delivery, matching, peers, settlement
from stun.protocol.market.actions import Action
from stun.protocol.market.draft import Draft
from stun.protocol.market.state import Event, Market

RULES: dict[type, Callable[[Draft, Any], None]] = {
    actions.Deposit: accounts.deposit,
    actions.Withdraw: accounts.withdraw,
    actions.SetOperator: accounts.set_operator,
    actions.CancelOrder: accounts.cancel_order,
    actions.Match: matching.match,
    actions.PostResult: delivery.post,
    actions.Deliver: delivery.deliver,
    actions.LeaveBatch: delivery.leave,
    actions.Expire: delivery.expire,
    actions.Settle: settlement.settle,
    actions.AcceptResult: settlement.accept,
    actions.Resolve: settlement.resolve,
    actions.Hold: peers.hold,
    actions.Convict: peers.convict,
    actions.Release: settlement.release,
    actions.SetDue: settlement.set_due,
    actions.PayAudit: peers.pay_audit,
    actions.FundAudit: accounts.fund_audit,
}
assert set(RULES) == set(actions.ACTIONS), "an action without a rule"


def step(state: Market, action: Action, now: int) -> tuple[Market, tuple[Event, ...]]:
    """Apply one action at `now` (seconds on the deciding chain's clock).

    Returns the new state and the events in order, or raises Rejected and changes nothing. Time never runs backwards:
    the caller passes the clock of the chain.
    """
    draft = Draft(state, action.sender, now)
    RULES[type(action)](draft, action)
    return draft.finish(), tuple(draft.events)

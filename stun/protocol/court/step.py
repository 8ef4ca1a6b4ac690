"""The one entry to the court's state machine, which steps the market's where it holds or convicts."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from stun.protocol.court import actions, answers, challenges, demands
from stun.protocol.court.actions import Action
from stun.protocol.court.draft import Draft
from stun.protocol.court.state import Chain, Court
from stun.protocol.errors import require
from stun.protocol.market.state import Event, Market
from stun.protocol.messages import NOBODY


def take_credit(draft: Draft, action: actions.TakeCredit) -> None:
    """Take all native coin of the sender out. Errors: "court: nothing", "court: receiver" (nobody)."""
    amount = draft.court.credits.get(draft.sender, 0)
    require(action.to != NOBODY, "court: receiver")
    require(amount > 0, "court: nothing")
    credits = {account: value for account, value in draft.court.credits.items() if account != draft.sender}
    draft.court = replace(draft.court, credits=credits, held=draft.court.held - amount)
    draft.emit("CreditTaken", account=draft.sender, to=action.to, amount=amount)


RULES: dict[type, Callable[[Draft, Any], None]] = {
    actions.DemandTop: demands.demand_top,
    actions.DemandBelow: demands.demand_below,
    actions.DemandTrace: demands.demand_trace,
    actions.AnswerNodes: answers.answer_nodes,
    actions.AnswerTrace: answers.answer_trace,
    actions.AnswerTensor: answers.answer_tensor,
    actions.AnswerRow: answers.answer_row,
    actions.ExpireDemand: answers.expire_demand,
    actions.ClaimDeposit: answers.claim_deposit,
    actions.Announce: challenges.announce,
    actions.Challenge: challenges.challenge,
    actions.Lapse: challenges.lapse,
    actions.TakeCredit: take_credit,
}
assert set(RULES) == set(actions.ACTIONS), "an action without a rule"


def step(market: Market, court: Court, action: Action, chain: Chain) -> tuple[Market, Court, tuple[Event, ...]]:
    """Apply one action; return both new states and the events in order, or raise Rejected and change nothing."""
    draft = Draft(market, court, chain, action.sender)
    RULES[type(action)](draft, action)
    return draft.market, draft.court, tuple(draft.events)

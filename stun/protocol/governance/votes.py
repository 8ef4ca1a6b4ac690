"""Votes: one for each unit of STUN, held by its owner's delegate, wherever the STUN is.

A free balance votes for the delegate that its owner named, and not at all without one. What is staked votes for the
delegate, or for its owner without one, until it is collected; slashing takes the votes at once. What the bridge holds
does not vote and does not count for a quorum. Source: docs/PROTOCOL.md, section 11; ERC-5805 and ERC-6372.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from stun.protocol import staking
from stun.protocol.errors import require
from stun.protocol.governance import actions
from stun.protocol.governance.state import NOBODY, Votes
from stun.protocol.market.state import Event
from stun.protocol.parameters import U64


class Draft:
    """A working copy of the votes for one action at one moment."""

    def __init__(self, votes: Votes, now: int) -> None:
        self.votes = votes
        self.now = now
        self.events: list[Event] = []

    def emit(self, name: str, **fields: Any) -> None:
        """Add an event."""
        self.events.append(Event(name, fields))

    def count(self, account: bytes) -> bool:
        """Return whether an account's balance is part of the supply that may vote."""
        return account not in (NOBODY, self.votes.bridge)

    def move(self, origin: bytes, to: bytes, amount: int) -> None:
        """Move a balance; NOBODY creates and destroys."""
        balances = dict(self.votes.balances)
        supply = self.votes.supply + amount * ((origin == NOBODY) - (to == NOBODY))
        for account, change in ((origin, -amount), (to, amount)):
            if account != NOBODY:
                balances[account] = balances.get(account, 0) + change
        self.votes = replace(self.votes, balances=balances, supply=supply)
        if self.count(origin) != self.count(to):
            self.count_supply(amount if self.count(to) else -amount)
        self.emit("Transfer", sender=origin, receiver=to, value=amount)

    def count_supply(self, change: int) -> None:
        """Change the supply that may vote."""
        votable = self.votes.votable.changed(self.votes.votable.latest + change, self.now)
        self.votes = replace(self.votes, votable=votable)

    def move_votes(self, origin: bytes, to: bytes, amount: int) -> None:
        """Move votes from one delegate to another; NOBODY has none."""
        if origin == to or amount == 0:
            return
        for account, change in ((origin, -amount), (to, amount)):
            if account != NOBODY:
                trace = self.votes.trace(account)
                after = trace.changed(trace.latest + change, self.now)
                self.votes = replace(self.votes, traces={**self.votes.traces, account: after})
                self.emit("DelegateVotesChanged", delegate=account, previousVotes=trace.latest, newVotes=after.latest)

    def put_stake(self, account: bytes, stake: staking.Stake) -> None:
        """Change what an account has staked."""
        self.votes = replace(self.votes, stakes={**self.votes.stakes, account: stake})


def step(votes: Votes, action: actions.VoteAction, now: int) -> tuple[Votes, tuple[Event, ...]]:
    """Apply one action; return the new state and the token's events in order, or raise Rejected and change nothing.

    That an approval covers what is staked, and who may mint, slash and name the bridge, is the contracts' business.
    """
    draft = Draft(votes, now)
    RULES[type(action)](draft, action)
    return draft.votes, tuple(draft.events)


def past_votes(votes: Votes, account: bytes, moment: int, now: int) -> int:
    """Return the votes that an account had at the end of a moment. Errors: "votes: future" (not over yet)."""
    require(moment < now, "votes: future")
    return votes.trace(account).at(moment)


def past_supply(votes: Votes, moment: int, now: int) -> int:
    """Return the supply that could vote at the end of a moment. Errors: "votes: future" (not over yet)."""
    require(moment < now, "votes: future")
    return votes.votable.at(moment)


def _check_free(votes: Votes, account: bytes, amount: int) -> None:
    require(votes.balance(account) >= amount, "token: balance")
    require(account != votes.custodian, "token: custodian")


def _transfer(draft: Draft, action: actions.Transfer) -> None:
    require(action.to != NOBODY, "token: receiver")
    _check_free(draft.votes, action.sender, action.amount)
    draft.move(action.sender, action.to, action.amount)
    draft.move_votes(draft.votes.delegate(action.sender), draft.votes.delegate(action.to), action.amount)


def _mint(draft: Draft, action: actions.Mint) -> None:
    require(action.to != NOBODY, "token: receiver")
    require(draft.votes.supply + action.amount <= U64, "token: supply")
    draft.move(NOBODY, action.to, action.amount)
    draft.move_votes(NOBODY, draft.votes.delegate(action.to), action.amount)


def _burn(draft: Draft, action: actions.Burn) -> None:
    _check_free(draft.votes, action.sender, action.amount)
    draft.move(action.sender, NOBODY, action.amount)
    draft.move_votes(draft.votes.delegate(action.sender), NOBODY, action.amount)


def _delegate(draft: Draft, action: actions.Delegate) -> None:
    votes, account = draft.votes, action.sender
    require(account not in (votes.custodian, votes.bridge), "votes: keeper")
    old, old_voter = votes.delegate(account), votes.voter(account)
    draft.votes = replace(votes, delegates={**votes.delegates, account: action.to})
    draft.emit("DelegateChanged", delegator=account, fromDelegate=old, toDelegate=action.to)
    draft.move_votes(old, action.to, votes.balance(account))
    draft.move_votes(old_voter, draft.votes.voter(account), votes.held(account))


def _stake(draft: Draft, action: actions.Stake) -> None:
    votes, account = draft.votes, action.sender
    staked = staking.stake(votes.stake(account), action.amount)
    _check_free(votes, account, action.amount)
    draft.put_stake(account, staked)
    draft.move(account, votes.custodian, action.amount)
    draft.move_votes(votes.delegate(account), votes.voter(account), action.amount)


def _unstake(draft: Draft, action: actions.Unstake) -> None:
    stake = draft.votes.stake(action.sender)
    draft.put_stake(action.sender, staking.unstake(stake, action.amount, draft.now, action.unbonding_seconds))


def _collect(draft: Draft, action: actions.Collect) -> None:
    votes, account = draft.votes, action.sender
    require(action.to != NOBODY, "staking: receiver")
    stake, amount = staking.collect(votes.stake(account), draft.now)
    require(action.to != votes.custodian, "token: receiver")
    draft.put_stake(account, stake)
    draft.move(votes.custodian, action.to, amount)
    draft.move_votes(votes.voter(account), votes.delegate(action.to), amount)


def _slash(draft: Draft, action: actions.Slash) -> None:
    votes = draft.votes
    stake, amount = staking.slash(votes.stake(action.account), action.bps)
    if amount:
        draft.put_stake(action.account, stake)
        draft.move(votes.custodian, NOBODY, amount)
        draft.move_votes(votes.voter(action.account), NOBODY, amount)


def _set_bridge(draft: Draft, action: actions.SetBridge) -> None:
    votes, old = draft.votes, draft.votes.bridge
    if old != NOBODY:
        draft.votes = replace(draft.votes, bridge=NOBODY)
        draft.count_supply(votes.balance(old))
    if action.bridge != NOBODY:
        free = votes.delegate(action.bridge) == NOBODY and action.bridge != votes.custodian
        require(free, "token: keeper")
        draft.votes = replace(draft.votes, bridge=action.bridge)
        draft.count_supply(-votes.balance(action.bridge))
    draft.emit("BridgeSet", old_bridge=old, new_bridge=action.bridge)


RULES: dict[type, Callable[[Draft, Any], None]] = {
    actions.Transfer: _transfer,
    actions.Mint: _mint,
    actions.Burn: _burn,
    actions.Delegate: _delegate,
    actions.Stake: _stake,
    actions.Unstake: _unstake,
    actions.Collect: _collect,
    actions.Slash: _slash,
    actions.SetBridge: _set_bridge,
}
assert set(RULES) == set(actions.VOTE_ACTIONS), "an action without a rule"

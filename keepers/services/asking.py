"""Whom to ask for a bid on which order."""

from collections.abc import Iterator, Sequence

from keepers.services.bids import usable_bids
from keepers.services.matcher_state import AskProvider, MatcherState, OpenOrder
from keepers.services.profiles import ProviderProfile
from keepers.services.scoring import WantedOrder
from stun.protocol import parameters


def choose_asks(entries: Sequence[OpenOrder], state: MatcherState, now: int) -> Iterator[AskProvider]:
    """Ask the best providers of every order that lacks bids, each at most once in `ask_again` seconds."""
    short = _short_orders(entries, state, now)
    ranked = state.scorer.rank([wanted for wanted, _ in short], _ready(state, now), _depth(short, state))
    left = state.policy.asks_per_tick
    for (wanted, missing), providers in zip(short, ranked, strict=True):
        asked = state.asked.get(wanted.digest, {})
        bidders = {received.bid.provider for received in state.bids.get(wanted.digest, ())}
        fresh = [
            p
            for p in providers
            if p not in bidders and now >= asked.get(p, -state.policy.ask_again) + state.policy.ask_again
        ]
        for provider in fresh[: min(missing, left)]:
            left -= 1
            yield AskProvider(wanted.digest, provider, min(now + state.policy.ask_seconds, wanted.order.expires_at))
        if left == 0:
            return


def _short_orders(entries: Sequence[OpenOrder], state: MatcherState, now: int) -> list[tuple[WantedOrder, int]]:
    """Return the orders that lack asks and bids, with how many they lack."""
    short: list[tuple[WantedOrder, int]] = []
    for entry in entries:
        asked = state.asked.get(entry.digest, {})
        waiting = {provider for provider, at in asked.items() if now < at + state.policy.ask_seconds}
        waiting |= {received.bid.provider for received in usable_bids(entry, state, state.facts.balances, now)}
        missing = entry.order.replicas * state.policy.ask_factor - len(waiting)
        if missing > 0:
            ceiling = entry.order.price_at(now)
            short.append((WantedOrder(entry.digest, entry.order, ceiling, entry.requirements), missing))
    return short


def _depth(short: Sequence[tuple[WantedOrder, int]], state: MatcherState) -> int:
    """How far down the ranking may have to be read to pass over those who were asked already."""
    return max(
        (missing + len(state.asked.get(w.digest, ())) + len(state.bids.get(w.digest, ())) for w, missing in short),
        default=0,
    )


def _ready(state: MatcherState, now: int) -> list[ProviderProfile]:
    """Providers whose profile lives and whose stake suffices."""
    least = min((parameters.read(r.limits, "min_stake") for r in state.facts.rules.values()), default=0)
    return [profile for profile in state.profiles if now < profile.expires_at and profile.stake >= least]

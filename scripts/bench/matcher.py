"""Time the matcher's decision on many open orders and profiles, and compare it with asking the scorer for every pair.

Run from the repository root: `python -m scripts.bench.matcher [--orders 10000] [--profiles 1000]`. The last line is one
JSON object. Half of the orders are new, half have bids; what is measured is `decide`, bids and asks included.
"""

import json
import random
import time
from dataclasses import replace
from typing import Any

import click

from keepers.services.facts import ChainFacts
from keepers.services.matcher import decide
from keepers.services.matcher_state import (
    AskProvider,
    BringMatch,
    MatcherPolicy,
    MatcherState,
    OpenOrder,
    ReceivedBid,
)
from keepers.services.profiles import NO_HARDWARE, ProviderProfile
from keepers.services.scoring import SimpleScorer, WantedOrder, rank_by_score
from stun.chains.market import ModelRecord, Rules
from stun.protocol.messages import Bid, Domain, Order, nonce_of
from stun.protocol.parameters import AssetRules, NumericClass, development, pack
from stun.provider.hardware import Gpu, Hardware, parse_requirements

NOW = 1_760_000_000
ASSET = b"\x57" * 32
KEEPER = b"\x11" * 32
MODELS = [bytes([number]) * 32 for number in range(1, 21)]
DOMAIN = Domain(31_337, b"\x4d" * 20)
SAMPLE = 100
NEEDS = [None, *({"gpu_memory": f"{size}GB", "compute_capability": "8.0+"} for size in (8, 16, 24))]


def make_profiles(rng: random.Random, count: int) -> list[ProviderProfile]:
    """Providers with a GPU or none, each serving a quarter of the models."""
    found = []
    for _ in range(count):
        gpus = tuple(Gpu("gpu", rng.choice((12, 24, 80)) * 10**9, (8, 6)) for _ in range(rng.randint(0, 2)))
        prices = {model: {ASSET: rng.randint(10**8, 2 * 10**9)} for model in rng.sample(MODELS, 5)}
        hardware = Hardware(gpus, NO_HARDWARE.cpu, 64 * 10**9)
        standing = (rng.randint(0, 10**6), 10**12, rng.randint(0, 4), NOW + 3_600)
        found.append(ProviderProfile(rng.randbytes(32), prices, hardware, *standing))
    return found


def make_order(rng: random.Random, number: int) -> OpenOrder:
    """An order in the middle of its ramp."""
    expires_at = NOW + 3_600
    order = Order(
        requester=rng.randbytes(32), asset=ASSET, model_id=rng.choice(MODELS), specs_root=rng.randbytes(32), count=64,
        max_units=1_000, start_price=10**8, max_price=2 * 10**9, ramp_start=NOW - 50, ramp_seconds=100,
        replicas=rng.randint(1, 3), audit_ppm=1_000_000, post_seconds=100, task_seconds=5, challenge_seconds=40,
        tier=0, flags=0, recipient_key=bytes(32), matcher=bytes(32), providers_root=bytes(32), tip=1_000, config=0,
        expires_at=expires_at, nonce=nonce_of(expires_at, number >> 8, number & 255),
    )  # fmt: skip
    needs = rng.choice(NEEDS)
    requirements = None if needs is None else parse_requirements(needs)
    return OpenOrder(order.digest(DOMAIN), order, bytes(65), NOW - 30, requirements)


def make_state(orders: int, profiles: int, seed: int = 1) -> MatcherState:
    """A matcher's whole state; every second order has bids."""
    rng = random.Random(seed)
    fleet = make_profiles(rng, profiles)
    entries = [make_order(rng, number) for number in range(orders)]
    bids = {entry.digest: make_bids(rng, entry, fleet) for entry in entries[::2]}
    words = pack(development()[0], 1)
    rules = Rules(1, words["rules"], words["limits"], words["times"], AssetRules(1, 1, 10**13, 10**9))
    accounts = [entry.order.requester for entry in entries] + [profile.provider for profile in fleet]
    facts = ChainFacts(
        DOMAIN, ASSET, {ASSET: rules},
        {model: ModelRecord(model, KEEPER, model, model, model, NumericClass.TOKEN, True) for model in MODELS},
        balances={(ASSET, account): 10**15 for account in accounts},
        stakes={profile.provider: profile.stake for profile in fleet},
    )  # fmt: skip
    policy = MatcherPolicy(bid_window=5, asks_per_tick=10**6, matches_per_tick=32)
    return MatcherState(KEEPER, facts, entries, fleet, bids, policy=policy)


def make_bids(rng: random.Random, entry: OpenOrder, fleet: list[ProviderProfile]) -> list[ReceivedBid]:
    """Four bids within the ramp."""
    ceiling = entry.order.price_at(NOW)
    chosen = rng.sample(fleet, min(4, len(fleet)))
    bids = [Bid(p.provider, entry.digest, rng.randint(1, ceiling), KEEPER, NOW + 600) for p in chosen]
    return [ReceivedBid(bid, bytes(65), bid.provider) for bid in bids]


def measure(orders: int, profiles: int) -> dict[str, Any]:
    """Decide once; rank a sample both ways, and check that the rankings are the same."""
    state = make_state(orders, profiles)
    started = time.perf_counter()
    actions = decide(state, NOW)
    seconds = time.perf_counter() - started
    wanted = [WantedOrder(e.digest, e.order, e.order.price_at(NOW), e.requirements) for e in state.orders]
    sample = wanted[:SAMPLE]
    scorer = SimpleScorer()
    started = time.perf_counter()
    slow = rank_by_score(scorer, sample, state.profiles, 6)
    per_order_slow = (time.perf_counter() - started) / len(sample)
    started = time.perf_counter()
    fast = scorer.rank(wanted, state.profiles, 6)
    per_order_fast = (time.perf_counter() - started) / len(wanted)
    assert fast[: len(sample)] == slow, "the fast ranking is not the slow one"
    return {
        "matcher_decision_seconds": round(seconds, 3),
        "matcher_orders": orders,
        "matcher_profiles": profiles,
        "matcher_asks": sum(isinstance(action, AskProvider) for action in actions),
        "matcher_matches": sum(isinstance(action, BringMatch) for action in actions),
        "matcher_ratio_to_every_pair": round(per_order_slow / per_order_fast, 1),
    }


@click.command()
@click.option("--orders", default=10_000, show_default=True)
@click.option("--profiles", default=1_000, show_default=True)
@click.option("--all-matches", is_flag=True, help="Also time a decision that brings every order that has its bids.")
def main(orders: int, profiles: int, all_matches: bool) -> None:
    """Print what a decision takes."""
    figures = measure(orders, profiles)
    if all_matches:
        state = make_state(orders, profiles)
        state = replace(state, policy=replace(state.policy, matches_per_tick=orders))
        started = time.perf_counter()
        brought = sum(isinstance(action, BringMatch) for action in decide(state, NOW))
        figures["matcher_all_matches"] = brought
        figures["matcher_all_matches_seconds"] = round(time.perf_counter() - started, 3)
    click.echo(json.dumps(figures))


if __name__ == "__main__":
    main()

"""Invariants of PROTOCOL.md section 15, judged from the state and the events, without the code that they judge.

I-1 conservation, I-2 nothing negative, I-3 bonds, I-4 nonces, I-5 one end for each replica, I-7 why a replica is paid,
I-9 what a conviction costs.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

from stun.protocol.market.state import Batch, Event, Market, Phase, ReplicaState, Terms
from stun.protocol.parameters import NumericClass

LIVE = (ReplicaState.PENDING, ReplicaState.COMMITTED, ReplicaState.REVEALED)
MILLION = 10**6


def locked_price(terms: Terms, index: int) -> int:
    """Return what the requester locked for one replica, rounded up."""
    return -(-terms.count * terms.max_units * terms.casts[index].price // MILLION)


def held_by(batch: Batch) -> int:
    """Return what an unfinished batch holds: bonds and prices of live replicas, an unpaid tip, the prepayment."""
    terms = batch.terms
    live = [k for k, replica in enumerate(batch.replicas) if replica.state in LIVE]
    locked = sum(terms.casts[k].bond + locked_price(terms, k) for k in live)
    return locked + (0 if batch.tip_paid else terms.tip) + terms.audit_prepaid


def check_conservation(market: Market, asset: bytes, tokens: int) -> None:
    """I-1 and I-3: the tokens that the market holds are free, held by batches, or the market's own; nothing else."""
    free = sum(value for (kind, _), value in market.balances.items() if kind == asset)
    batches = sum(held_by(batch) for batch in market.batches.values() if batch.terms.asset == asset)
    own = sum(share.get(asset, 0) for share in (market.treasury, market.insurance, market.audit))
    assert tokens == free + batches + own, (tokens, free, batches, own)


def check_signs(market: Market) -> None:
    """I-2: no balance, share, bond or stake is negative."""
    amounts = [*market.balances.values(), *market.treasury.values(), *market.insurance.values()]
    amounts += [*market.audit.values(), *market.held.values(), market.burned]
    amounts += [part for stake in market.stakes.values() for part in (stake.active, stake.unbonding)]
    amounts += [cast.bond for batch in market.batches.values() for cast in batch.terms.casts]
    assert all(amount >= 0 for amount in amounts)


class History:
    """What events have told so far; each check looks at one step."""

    def __init__(self) -> None:
        self.opened: dict[bytes, Terms] = {}
        self.nonces: set[tuple[bytes, int]] = set()
        self.ends: dict[tuple[bytes, int], str] = {}
        self.final: set[bytes] = set()
        self.paid: Counter[str] = Counter()

    def record(self, before: Market, after: Market, events: Sequence[Event], now: int) -> None:
        """Judge one accepted step."""
        for event in events:
            if event.name == "BatchOpened":
                assert event.fields["batch_id"] not in self.opened
                self.opened[event.fields["batch_id"]] = event.fields["terms"]
            elif event.name in ("ReplicaOut", "Convicted", "Accepted"):
                self._end_replica(before, event)
            elif event.name == "Settled":
                self._end_batch(before, event, now)
        ended = {event.fields["batch_id"] for event in events if event.name == "Settled"}
        assert ended == set(before.batches) - set(after.batches), "a batch ends by Settled and in no other way"

    def use_nonce(self, requester: bytes, nonce: int) -> None:
        """I-4: a nonce is used by at most one batch that opened."""
        assert (requester, nonce) not in self.nonces
        self.nonces.add((requester, nonce))

    def _end_replica(self, before: Market, event: Event) -> None:
        batch_id, provider = event.fields["batch_id"], event.fields["provider"]
        terms = self.opened[batch_id]
        index = [cast.provider for cast in terms.casts].index(provider)
        assert self.ends.setdefault((batch_id, index), event.name) == event.name
        assert before.batches[batch_id].replicas[index].state in LIVE, "a replica ends once"
        if event.name == "Convicted":
            self._check_conviction(before, event, terms, index)
        if event.name == "ReplicaOut":
            assert 0 <= event.fields["penalty"] <= terms.casts[index].bond
        self.paid[event.name] += 1

    def _check_conviction(self, before: Market, event: Event, terms: Terms, index: int) -> None:
        """I-9: the reward is at most a quarter of the bond and the cap; for a failed duty an eighth of the least."""
        bond, reward = terms.casts[index].bond, event.fields["reward"]
        assert reward * 4 <= bond
        assert reward <= terms.asset_rule().reward_cap
        assert event.fields["wrong"] or reward <= terms.asset_rule().min_bond // 8

    def _end_batch(self, before: Market, event: Event, now: int) -> None:
        """I-5: every replica that had not ended is paid or refunded now, and the batch never comes back."""
        batch_id = event.fields["batch_id"]
        terms = self.opened[batch_id]
        assert batch_id not in self.final
        self.final.add(batch_id)
        for index in range(len(terms.casts)):
            paid = event.fields["paid"][index]
            if (batch_id, index) in self.ends:
                assert paid == 0
                continue
            self.ends[batch_id, index] = "paid" if paid else "refunded"
            self.paid[self.ends[batch_id, index]] += 1
            if paid:
                self._check_reason(before.batches[batch_id], index, paid, now)
        assert all((batch_id, index) in self.ends for index in range(len(terms.casts)))

    def _check_reason(self, batch: Batch, index: int, paid: int, now: int) -> None:
        """I-7: paid at settlement only from quiet_at on, by agreement of roots or a standing resolution."""
        terms = batch.terms
        results_at = batch.phase_at
        if batch.phase == Phase.REVEALING:
            results_at = batch.phase_at + terms.rule("reveal_seconds")
        elif batch.phase == Phase.OPEN:
            raise AssertionError("nobody is paid out of an open batch")
        assert now >= max(results_at + terms.challenge_seconds, batch.hold_until)
        units = batch.replicas[index].total_units
        if batch.dues is not None:
            units = batch.dues[index]
            assert units <= terms.unit_limit
        else:
            assert batch.replicas[index].outputs_root in _winners(batch)
        assert paid == units * terms.casts[index].price // MILLION


def _winners(batch: Batch) -> set[bytes]:
    """Return the roots that win by the vote of those who revealed."""
    roots = [r.outputs_root for r in batch.replicas if r.state == ReplicaState.REVEALED]
    if len(set(roots)) == 1:
        return set(roots)
    if batch.terms.numeric_class == NumericClass.TOKEN:
        return set()
    return {a for a, b in combinations(roots, 2) if a == b}


def check_conviction_cost(before: Market, after: Market, event: Event, terms: Terms) -> None:
    """I-9: of a convicted bond at least three quarters leave the cheat and its accomplice for good."""
    index = [cast.provider for cast in terms.casts].index(event.fields["provider"])
    cast, parties = terms.casts[index], {event.fields["provider"], event.fields["challenger"]} - {terms.requester}
    free = [sum(m.balances.get((terms.asset, party), 0) for party in parties) for m in (before, after)]
    assert free[1] - free[0] <= cast.bond // 4
    was, now = (m.stakes.get(cast.provider) for m in (before, after))
    if was is not None and now is not None:
        taken = was.active + was.unbonding - now.active - now.unbonding
        share = terms.rule("stake_slash_bps") if event.fields["wrong"] else terms.rule("silence_slash_bps")
        assert taken == (was.active + was.unbonding) * share // 10_000

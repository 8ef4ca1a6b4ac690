"""Who is asked for a bid: the interface of a scoring engine, and a simple one.

A better engine implements `Scorer`; the matcher knows nothing else of it.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from keepers.services.profiles import ProviderProfile
from stun.protocol.messages import Order
from stun.provider.hardware import Requirements

Floats = NDArray[np.float64]
_MASK = 2**64 - 1
_SCALE = 2.0**-64


@dataclass(frozen=True, slots=True)
class WantedOrder:
    """An order as it is ranked: `ceiling` is the ramp's price now; `requirements` None if the specs were not read."""

    digest: bytes
    order: Order
    ceiling: int
    requirements: Requirements | None = None


class Scorer(Protocol):
    """What the matcher asks of a scoring engine."""

    def score(self, wanted: WantedOrder, profile: ProviderProfile) -> float | None:
        """How well a provider suits an order, higher is better; None if it is no candidate."""

    def rank(self, wanted: Sequence[WantedOrder], profiles: Sequence[ProviderProfile], limit: int) -> list[list[bytes]]:
        """For each order the best `limit` providers, best first, ties by account."""


def rank_by_score(
    scorer: Scorer, wanted: Sequence[WantedOrder], profiles: Sequence[ProviderProfile], limit: int
) -> list[list[bytes]]:
    """Rank by asking for every pair; what an engine without a faster way uses."""
    ranked = []
    for order in wanted:
        scored = [(score, p.provider) for p in profiles if (score := scorer.score(order, p)) is not None]
        best = heapq.nsmallest(limit, scored, key=lambda entry: (-entry[0], entry[1]))
        ranked.append([provider for _, provider in best])
    return ranked


@dataclass(frozen=True, slots=True)
class Weights:
    """What a candidate's qualities count for; each quality is in [0, 1]."""

    price: float = 1.0
    reliability: float = 0.5
    load: float = 0.5
    spread: float = 0.1


class SimpleScorer:
    """Price below the ramp, reputation, load, and a spread by hash so that equals share the work.

    A candidate serves the model in the asset at a price that the ramp allows now, meets the requirements, and is not
    the requester.
    """

    def __init__(self, weights: Weights | None = None) -> None:
        self._weights = weights or Weights()

    def score(self, wanted: WantedOrder, profile: ProviderProfile) -> float | None:
        """Score one pair."""
        order = wanted.order
        price = profile.prices.get(order.model_id, {}).get(order.asset)
        if price is None or price > wanted.ceiling or profile.provider == order.requester:
            return None
        if wanted.requirements is not None and not profile.hardware.meets(wanted.requirements):
            return None
        w = self._weights
        spread = (_seed(profile.provider) * _factor(wanted.digest) & _MASK) * _SCALE
        saving = float(wanted.ceiling - price) / float(max(1, wanted.ceiling))
        return w.price * saving + _standing(w, profile) + w.spread * spread

    def rank(self, wanted: Sequence[WantedOrder], profiles: Sequence[ProviderProfile], limit: int) -> list[list[bytes]]:
        """Rank whole groups of orders of one model, asset and requirement at once."""
        fleet = _Fleet(self._weights, profiles)
        return [self._rank_one(order, fleet, limit) for order in wanted]

    def _rank_one(self, wanted: WantedOrder, fleet: "_Fleet", limit: int) -> list[bytes]:
        group = fleet.group(wanted)
        allowed = int(np.searchsorted(group.prices, np.uint64(wanted.ceiling), side="right"))
        if allowed == 0:
            return []
        saving = (np.uint64(wanted.ceiling) - group.prices[:allowed]).astype(np.float64) / max(1, wanted.ceiling)
        spread = (group.seeds[:allowed] * np.uint64(_factor(wanted.digest))).astype(np.float64) * _SCALE
        scores = self._weights.price * saving + group.standings[:allowed] + self._weights.spread * spread
        best = _best(scores, limit + 1)
        found = [fleet.providers[int(group.members[place])] for place in best]
        return [provider for provider in found if provider != wanted.order.requester][:limit]


@dataclass(frozen=True, slots=True)
class _Group:
    """Profiles that can serve one model and asset under one requirement, by price and then by account."""

    members: NDArray[np.int64]
    prices: NDArray[np.uint64]
    standings: Floats
    seeds: NDArray[np.uint64]


class _Fleet:
    """The profiles in the order of their accounts, and their groups, each made once."""

    def __init__(self, weights: Weights, profiles: Sequence[ProviderProfile]) -> None:
        self._weights = weights
        self._profiles = sorted(profiles, key=lambda profile: profile.provider)
        self.providers = [profile.provider for profile in self._profiles]
        self._groups: dict[tuple[bytes, bytes, Requirements | None], _Group] = {}

    def group(self, wanted: WantedOrder) -> _Group:
        """The profiles that can serve an order, whatever it pays."""
        key = (wanted.order.model_id, wanted.order.asset, wanted.requirements)
        if key not in self._groups:
            self._groups[key] = self._make_group(*key)
        return self._groups[key]

    def _make_group(self, model_id: bytes, asset: bytes, requirements: Requirements | None) -> _Group:
        members = [
            (price, index)
            for index, profile in enumerate(self._profiles)
            if (price := profile.prices.get(model_id, {}).get(asset)) is not None
            and (requirements is None or profile.hardware.meets(requirements))
        ]
        members.sort()
        chosen = [self._profiles[index] for _, index in members]
        return _Group(
            np.array([index for _, index in members], dtype=np.int64),
            np.array([price for price, _ in members], dtype=np.uint64),
            np.array([_standing(self._weights, profile) for profile in chosen], dtype=np.float64),
            np.array([_seed(profile.provider) for profile in chosen], dtype=np.uint64),
        )


def _standing(weights: Weights, profile: ProviderProfile) -> float:
    """The part of a score that is the same for every order."""
    return weights.reliability * profile.reputation / 1e6 + weights.load / (1 + profile.load)


def _best(scores: Floats, limit: int) -> NDArray[np.int64]:
    """Places of the highest scores, best first."""
    if len(scores) > limit:
        top = np.argpartition(scores, len(scores) - limit)[len(scores) - limit :]
        return top[np.argsort(-scores[top], kind="stable")]
    return np.argsort(-scores, kind="stable")


def _seed(provider: bytes) -> int:
    return int.from_bytes(sha256(provider).digest()[:8], "big")


def _factor(digest: bytes) -> int:
    return int.from_bytes(digest[:8], "big") | 1

"""What happens around the market: new config versions, stake, retired models. Always valid; both sides follow."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from deployed_market import DeployedMarket, SetBeacon

from stun.protocol import config, registry, staking
from stun.protocol.market.state import Market
from stun.protocol.parameters import PARAMETERS


@dataclass(frozen=True, slots=True)
class Publish:
    """A new config version with some values changed, another court, and a beacon or none."""

    changes: tuple[tuple[str, int], ...]
    court: bytes
    beacon: bool = True


@dataclass(frozen=True, slots=True)
class SetRound:
    """The beacon says another due round."""

    round: int


@dataclass(frozen=True, slots=True)
class StakeMore:
    """An account stakes STUN."""

    account: bytes
    amount: int


@dataclass(frozen=True, slots=True)
class StakeLess:
    """An account begins to unbond a part of its stake."""

    account: bytes
    amount: int


@dataclass(frozen=True, slots=True)
class RetireModel:
    """A creator takes a model out of the market."""

    model_id: bytes


Outside = Publish | SetRound | StakeMore | StakeLess | RetireModel


def happen(market: Market, deployed: DeployedMarket, what: Outside, now: int) -> Market:
    """Let it happen to both sides; return the specification's new state."""
    rule: Callable[[Market, DeployedMarket, Any, int], Market] = _RULES[type(what)]
    return rule(market, deployed, what, now)


def _publish(market: Market, deployed: DeployedMarket, what: Publish, now: int) -> Market:
    names = [p.name for p in PARAMETERS]
    values = list(market.config.values)
    for name, value in what.changes:
        values[names.index(name)] = value
    peers = replace(deployed.peers(), court=what.court)
    if not what.beacon:
        peers = replace(peers, beacon=config.NOBODY)
    deployed.publish(values, peers)
    return replace(market, config=config.publish(market.config, values, peers, now))


def _set_round(market: Market, deployed: DeployedMarket, what: SetRound, _now: int) -> Market:
    deployed.set_round(what.round)
    beacon = market.beacons[deployed.beacon]
    assert isinstance(beacon, SetBeacon)
    return replace(market, beacons={deployed.beacon: replace(beacon, round=what.round)})


def _stake(market: Market, deployed: DeployedMarket, what: StakeMore, _now: int) -> Market:
    deployed.must(what.account, "Staking", "stake", what.amount)
    position = staking.stake(market.stakes.get(what.account, staking.Stake()), what.amount)
    return replace(market, stakes={**market.stakes, what.account: position})


def _unstake(market: Market, deployed: DeployedMarket, what: StakeLess, now: int) -> Market:
    deployed.must(what.account, "Staking", "unstake", what.amount)
    seconds = config.value(market.config, "unbonding_seconds")
    position = staking.unstake(market.stakes[what.account], what.amount, now, seconds)
    return replace(market, stakes={**market.stakes, what.account: position})


def _retire(market: Market, deployed: DeployedMarket, what: RetireModel, now: int) -> Market:
    creator = market.models[what.model_id].creator
    deployed.must(creator, "ModelRegistry", "retire", what.model_id)
    model = registry.retire(market.models[what.model_id], creator, now)
    return replace(market, models={**market.models, what.model_id: model})


_RULES: dict[type, Callable[[Market, DeployedMarket, Any, int], Market]] = {
    Publish: _publish,
    SetRound: _set_round,
    StakeMore: _stake,
    StakeLess: _unstake,
    RetireModel: _retire,
}

"""Random sequences of versions and assets under production bounds, the specification stepped beside the contract."""

from typing import Any

import boa
import pytest
from evm_contracts import account_of, deploy_config, now
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from stepping import Comparison, run_machine, verdict

from stun.protocol import config as specification
from stun.protocol.config import ConfigState, Peers
from stun.protocol.parameters import DAY_SECONDS, PARAMETERS, WORDS, AssetRules, defaults, production_bounds

pytestmark = [pytest.mark.unit, pytest.mark.stateful]

ASSETS = 2
PEERS = 3
INDEX = {p.name: i for i, p in enumerate(PARAMETERS)}
RELATED = [INDEX[name] for name in ("match_fee_bps", "settle_fee_bps", "withdraw_bps", "unbonding_seconds", "max_hold")]
COUNT = len(PARAMETERS)
indices = st.one_of(st.integers(0, COUNT - 1), st.sampled_from(RELATED))
parts = st.integers(-1_000, 1_000)
changes = st.lists(st.tuples(indices, parts), min_size=0, max_size=3)
assets = st.integers(0, ASSETS - 1)
peers = st.tuples(*[st.integers(0, PEERS - 1)] * 4)
amounts = st.one_of(st.integers(0, 3), st.integers(0, 2**64 - 1))
comparison = Comparison()


class ConfigMachine(RuleBasedStateMachine):
    """One owner, two assets and three peers."""

    owner: str
    contract: Any
    accounts: list[str]

    @classmethod
    def deploy(cls) -> None:
        """Put the contract on the chain, once for all sequences."""
        cls.owner = boa.env.generate_address("owner")
        cls.contract = deploy_config(cls.owner, production_bounds())
        cls.accounts = [boa.env.generate_address(f"account {i}") for i in range(PEERS)]

    def __init__(self) -> None:
        super().__init__()
        self.anchor = boa.env.anchor()
        self.anchor.__enter__()
        self.state = ConfigState()

    def teardown(self) -> None:
        self.anchor.__exit__(None, None, None)

    @initialize(early=st.booleans())
    def first_version(self, early: bool) -> None:
        if early:
            self.delist_asset(0)
            self.list_asset(0, (1,) * 7)
        self._publish(list(defaults().values()), (0, 1, 2, 1))

    @rule(moves=changes, chosen=peers, days=st.integers(0, 2))
    def publish(self, moves: list[tuple[int, int]], chosen: tuple[int, ...], days: int) -> None:
        """Move some values by up to their largest step, which may leave their bounds."""
        boa.env.time_travel(seconds=days * DAY_SECONDS)
        values = list(self.state.values)
        for index, part in moves:
            values[index] = max(0, values[index] + PARAMETERS[index].max_step * part // 1_000)
        self._publish(values, chosen)

    @rule(index=indices, value=st.one_of(st.integers(0, 2**24), st.integers(0, 2**256 - 1)), chosen=peers)
    def publish_anything(self, index: int, value: int, chosen: tuple[int, ...]) -> None:
        values = list(self.state.values)
        values[index] = value
        self._publish(values, chosen)

    @rule(data=st.data(), index=indices)
    def publish_a_jump(self, data: st.DataObject, index: int) -> None:
        boa.env.time_travel(seconds=DAY_SECONDS)
        values = list(self.state.values)
        values[index] = data.draw(st.integers(PARAMETERS[index].minimum, PARAMETERS[index].maximum))
        self._publish(values, (0, 0, 0, 0))

    @rule(count=st.integers(0, 40))
    def publish_another_count(self, count: int) -> None:
        self._publish((list(self.state.values) * 2)[:count], (0, 0, 0, 0))

    def _publish(self, values: list[int], chosen: tuple[int, ...]) -> None:
        addresses = tuple(self.accounts[i] for i in chosen)
        named = Peers(*map(account_of, addresses))
        code, state = verdict(specification.publish, self.state, values, named, now())
        if comparison.same("publish", code, self.contract.publish, values, addresses, sender=self.owner):
            self.state = state

    @rule(which=assets, fields=st.tuples(*[amounts] * 7))
    def list_asset(self, which: int, fields: tuple[int, ...]) -> None:
        asset = self.accounts[which]
        code, state = verdict(specification.list_asset, self.state, account_of(asset), AssetRules(*fields))
        if comparison.same("list", code, self.contract.list_asset, asset, *fields, sender=self.owner):
            self.state = state

    @rule(which=assets, bond=st.integers(1, 2**63), more=st.integers(0, 2**63 - 1), fee=st.integers(1, 2**64 - 1))
    def list_a_sound_asset(self, which: int, bond: int, more: int, fee: int) -> None:
        self.list_asset(which, (fee, bond, bond + more, fee, fee, fee // 2, fee // 3))

    @precondition(lambda self: self.state.assets)
    @rule()
    def delist_a_listed_asset(self) -> None:
        listed = [which for which in range(ASSETS) if account_of(self.accounts[which]) in self.state.assets]
        self.delist_asset(listed[0])

    @rule(which=assets)
    def delist_asset(self, which: int) -> None:
        asset = self.accounts[which]
        code, state = verdict(specification.delist_asset, self.state, account_of(asset))
        if comparison.same("delist", code, self.contract.delist_asset, asset, sender=self.owner):
            self.state = state

    @invariant()
    def contract_equals_specification(self) -> None:
        assert self.contract.version() == self.state.version
        for number, version in list(enumerate(self.state.versions, start=1))[-2:]:
            assert self.contract.words(number) == [version.words[word] for word in WORDS]
            assert Peers(*map(account_of, self.contract.peers(number))) == version.peers
        for asset in self.accounts[:ASSETS]:
            expected = specification.match_rules(self.state, account_of(asset))
            assert specification.MatchRules(*self.contract.match_rules(asset)) == expected
            assert self.contract.is_listed(asset) == specification.is_listed(self.state, account_of(asset))

    @invariant()
    def values_are_within_their_bounds(self) -> None:
        if self.state.version:
            bounded = zip(self.state.bounds, self.state.values, strict=True)
            assert all(bound.minimum <= value <= bound.maximum for bound, value in bounded)


def test_config_steps_like_its_specification() -> None:
    ConfigMachine.deploy()
    run_machine(ConfigMachine, examples=60, steps=25)
    assert comparison.accepted["publish"] >= 100, comparison.accepted
    assert all(comparison.accepted[rule] >= 10 for rule in ("list", "delist")), comparison.accepted
    codes = {"count", "bounds", "step", "cooldown", "no version", "asset", "bond", "reward", "reference"}
    assert {f"config: {code}" for code in codes} <= set(comparison.refused), comparison.refused

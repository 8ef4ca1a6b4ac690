"""Random sequences of staking actions, the specification stepped beside the contract."""

from typing import Any

import boa
import pytest
from evm_contracts import STUN, deploy_config, deploy_staking, deploy_token, now, publish
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from stepping import Comparison, run_machine, verdict

from stun.protocol import staking as specification
from stun.protocol.staking import Stake

pytestmark = [pytest.mark.unit, pytest.mark.stateful]

ACCOUNTS = 3
HUGE = st.sampled_from([0, 2**64 - 1, 2**64, 2**256 - 1])
amounts = st.one_of(st.integers(1, 200 * STUN), st.integers(1, 3), HUGE)
percents = st.one_of(st.integers(1, 100), st.sampled_from([0, 101]))
shares = st.one_of(st.integers(0, 2_000), st.sampled_from([10_000, 10_001, 2**256 - 1]))
MAX_GOVERNED = 2
accounts = st.integers(0, ACCOUNTS - 1)
comparison = Comparison()


class StakingMachine(RuleBasedStateMachine):
    """Three providers with 1,000 STUN each, and one slasher."""

    owner: str
    token: Any
    config: Any
    contract: Any
    accounts: list[str]

    @classmethod
    def deploy(cls) -> None:
        """Put the contracts on the chain, once for all sequences."""
        cls.owner = boa.env.generate_address("owner")
        cls.token = deploy_token(cls.owner)
        cls.config = deploy_config(cls.owner)
        publish(cls.config, cls.owner)
        cls.contract = deploy_staking(cls.token, cls.config, cls.owner)
        cls.contract.set_slasher(cls.owner, True, sender=cls.owner)
        cls.accounts = [boa.env.generate_address(f"provider {i}") for i in range(ACCOUNTS)]
        for account in cls.accounts:
            cls.token.transfer(account, 1_000 * STUN, sender=cls.owner)
            cls.token.approve(cls.contract, 2**256 - 1, sender=account)

    def __init__(self) -> None:
        super().__init__()
        self.anchor = boa.env.anchor()
        self.anchor.__enter__()
        self.stakes = [Stake()] * ACCOUNTS
        self.wallets = [1_000 * STUN] * ACCOUNTS
        self.unbonding_seconds = 4 * 3_600
        self.governed = 0

    def teardown(self) -> None:
        self.anchor.__exit__(None, None, None)

    @initialize(first=st.lists(st.integers(1, 500 * STUN), min_size=ACCOUNTS, max_size=ACCOUNTS))
    def stake_at_first(self, first: list[int]) -> None:
        for who, amount in enumerate(first):
            self.stake(who, amount)

    @rule(who=accounts, amount=amounts)
    def stake(self, who: int, amount: int) -> None:
        code, staked = verdict(specification.stake, self.stakes[who], amount)
        if code is None and amount > self.wallets[who]:
            code = "token: balance"
        if comparison.same("stake", code, self.contract.stake, amount, sender=self.accounts[who]):
            self.stakes[who] = staked
            self.wallets[who] -= amount

    @rule(who=accounts, percent=percents, odd=st.integers(0, 1))
    def unstake(self, who: int, percent: int, odd: int) -> None:
        self._unstake(who, self.stakes[who].active * percent // 100 + odd)

    @rule(who=accounts, amount=HUGE)
    def unstake_too_much(self, who: int, amount: int) -> None:
        self._unstake(who, amount)

    def _unstake(self, who: int, amount: int) -> None:
        arguments = (self.stakes[who], amount, now(), self.unbonding_seconds)
        code, unstaked = verdict(specification.unstake, *arguments)
        if comparison.same("unstake", code, self.contract.unstake, amount, sender=self.accounts[who]):
            self.stakes[who] = unstaked

    @precondition(lambda self: any(stake.unbonding for stake in self.stakes))
    @rule(early=st.integers(0, 1))
    def collect_at_the_clock(self, early: int) -> None:
        who = next(i for i, stake in enumerate(self.stakes) if stake.unbonding)
        wait = self.stakes[who].unlock_at - early - now()
        if wait > 0:
            boa.env.time_travel(seconds=wait)
        self.collect(who)

    @rule(who=accounts)
    def collect(self, who: int) -> None:
        code, collected = verdict(specification.collect, self.stakes[who], now())
        account = self.accounts[who]
        if comparison.same("collect", code, self.contract.collect, account, sender=account):
            self.stakes[who], amount = collected
            self.wallets[who] += amount

    @rule(who=accounts, bps=shares)
    def slash(self, who: int, bps: int) -> None:
        code, slashed = verdict(specification.slash, self.stakes[who], bps)
        if comparison.same("slash", code, self.contract.slash, self.accounts[who], bps, sender=self.owner):
            self.stakes[who] = slashed[0]

    @rule(seconds=st.sampled_from([1, 11_000, 40_000]))
    def wait(self, seconds: int) -> None:
        boa.env.time_travel(seconds=seconds)

    @precondition(lambda self: self.governed < MAX_GOVERNED)
    @rule(seconds=st.integers(11_000, 40_000))
    def govern(self, seconds: int) -> None:
        publish(self.config, self.owner, {"unbonding_seconds": seconds})
        self.unbonding_seconds = seconds
        self.governed += 1

    @invariant()
    def contract_equals_specification(self) -> None:
        for account, stake, wallet in zip(self.accounts, self.stakes, self.wallets, strict=True):
            assert Stake(*self.contract.position_of(account)) == stake
            assert self.contract.stake_of(account) == stake.active
            assert self.token.balanceOf(account) == wallet

    @invariant()
    def contract_holds_exactly_the_stakes(self) -> None:
        total = sum(stake.active + stake.unbonding for stake in self.stakes)
        assert self.token.balanceOf(self.contract) == total


def test_staking_steps_like_its_specification() -> None:
    StakingMachine.deploy()
    run_machine(StakingMachine, examples=80, steps=40)
    assert all(comparison.accepted[rule] >= 20 for rule in ("stake", "unstake", "collect", "slash")), (
        comparison.accepted
    )
    codes = {"amount", "balance", "overflow", "nothing", "locked", "bps"}
    assert {f"staking: {code}" for code in codes} <= set(comparison.refused)

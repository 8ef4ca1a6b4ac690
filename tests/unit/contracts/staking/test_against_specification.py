"""Random sequences of staking actions, the specification stepped beside the contract."""

from typing import Any

import boa
import pytest
from evm_contracts import STUN, deploy_config, deploy_token, deployer, now, publish
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from stepping import Comparison, run_machine, verdict

from stun.protocol import staking as specification
from stun.protocol.staking import Stake

pytestmark = [pytest.mark.unit, pytest.mark.stateful]

ACCOUNTS = 3
amounts = st.one_of(st.integers(0, 3), st.integers(0, 400 * STUN), st.sampled_from([2**64 - 1, 2**64, 2**256 - 1]))
shares = st.one_of(st.integers(0, 10_001), st.just(2**256 - 1))
accounts = st.integers(0, ACCOUNTS - 1)
comparison = Comparison()


class StakingMachine(RuleBasedStateMachine):
    """Three providers with 1,000 STUN each, and one slasher."""

    def __init__(self) -> None:
        super().__init__()
        self.anchor = boa.env.anchor()
        self.anchor.__enter__()
        self.owner = boa.env.generate_address("owner")
        self.token = deploy_token(self.owner)
        self.config = deploy_config(self.owner)
        publish(self.config, self.owner)
        self.contract: Any = deployer("Staking").deploy(self.token, self.config, self.owner)
        self.contract.set_slasher(self.owner, True, sender=self.owner)
        self.accounts = [boa.env.generate_address(f"provider {i}") for i in range(ACCOUNTS)]
        for account in self.accounts:
            self.token.transfer(account, 1_000 * STUN, sender=self.owner)
            self.token.approve(self.contract, 2**256 - 1, sender=account)
        self.stakes = [Stake()] * ACCOUNTS
        self.wallets = [1_000 * STUN] * ACCOUNTS
        self.unbonding_seconds = 4 * 3_600

    def teardown(self) -> None:
        self.anchor.__exit__(None, None, None)

    @rule(who=accounts, amount=amounts)
    def stake(self, who: int, amount: int) -> None:
        code, staked = verdict(specification.stake, self.stakes[who], amount)
        if code is None and amount > self.wallets[who]:
            code = "token: balance"
        if comparison.same("stake", code, self.contract.stake, amount, sender=self.accounts[who]):
            self.stakes[who] = staked
            self.wallets[who] -= amount

    @rule(who=accounts, amount=amounts)
    def unstake(self, who: int, amount: int) -> None:
        arguments = (self.stakes[who], amount, now(), self.unbonding_seconds)
        code, staked = verdict(specification.unstake, *arguments)
        if comparison.same("unstake", code, self.contract.unstake, amount, sender=self.accounts[who]):
            self.stakes[who] = staked

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

    @rule(seconds=st.sampled_from([1, 600, 4 * 3_600]))
    def wait(self, seconds: int) -> None:
        boa.env.time_travel(seconds=seconds)

    @rule(seconds=st.integers(11_000, 40_000))
    def govern(self, seconds: int) -> None:
        publish(self.config, self.owner, {"unbonding_seconds": seconds})
        self.unbonding_seconds = seconds

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
    run_machine(StakingMachine, examples=40, steps=40)
    assert all(comparison.accepted[rule] >= 20 for rule in ("stake", "unstake", "collect", "slash")), comparison.accepted
    codes = {"amount", "balance", "overflow", "nothing", "locked", "bps"}
    assert {f"staking: {code}" for code in codes} <= set(comparison.refused)

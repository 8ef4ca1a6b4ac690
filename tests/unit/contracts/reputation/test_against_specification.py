"""Random sequences of records, the specification stepped beside the contract."""

from typing import Any

import boa
import pytest
from evm_contracts import deployer, now
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from stepping import Comparison, run_machine, verdict

from stun.protocol import reputation as specification
from stun.protocol.reputation import Reputation

pytestmark = [pytest.mark.unit, pytest.mark.stateful]

ACCOUNTS = 2
DAY = 86_400
accounts = st.integers(0, ACCOUNTS - 1)
amounts = st.one_of(st.integers(0, 10**6), st.integers(0, 2**64 - 1), st.just(2**64 - 1))
rates = st.one_of(st.integers(0, 1_000_000), st.sampled_from([0, 1_000_000, 1_000_001]))
comparison = Comparison()


class ReputationMachine(RuleBasedStateMachine):
    """Two providers and one recorder."""

    recorder: str
    contract: Any
    accounts: list[str]

    @classmethod
    def deploy(cls) -> None:
        """Put the contract on the chain, once for all sequences."""
        cls.recorder = boa.env.generate_address("recorder")
        cls.contract = deployer("Reputation").deploy(cls.recorder)
        cls.contract.set_recorder(cls.recorder, True, sender=cls.recorder)
        cls.accounts = [boa.env.generate_address(f"provider {i}") for i in range(ACCOUNTS)]

    def __init__(self) -> None:
        super().__init__()
        self.anchor = boa.env.anchor()
        self.anchor.__enter__()
        self.reputations = [Reputation()] * ACCOUNTS

    def teardown(self) -> None:
        self.anchor.__exit__(None, None, None)

    @rule(who=accounts, paid=amounts, reference_fee=st.one_of(amounts, st.just(0)), alpha_ppm=rates)
    def earned(self, who: int, paid: int, reference_fee: int, alpha_ppm: int) -> None:
        self._record("earned", who, paid, reference_fee, alpha_ppm)

    @rule(who=accounts, beta_ppm=rates)
    def silent(self, who: int, beta_ppm: int) -> None:
        self._record("silent", who, beta_ppm)

    @rule(who=accounts)
    def convicted(self, who: int) -> None:
        self._record("convicted", who)

    def _record(self, name: str, who: int, *arguments: int) -> None:
        code, record = verdict(getattr(specification, name), self.reputations[who], *arguments, now())
        call = getattr(self.contract, name)
        if comparison.same(name, code, call, self.accounts[who], *arguments, sender=self.recorder):
            self.reputations[who] = record

    @rule(seconds=st.one_of(st.integers(1, 3 * DAY), st.integers(1, 90 * DAY)))
    def wait(self, seconds: int) -> None:
        boa.env.time_travel(seconds=seconds)

    @invariant()
    def contract_equals_specification(self) -> None:
        for account, record in zip(self.accounts, self.reputations, strict=True):
            value = self.contract.score(account)
            assert value == specification.score(record, now())
            assert 0 <= value <= 1_000_000


def test_reputation_steps_like_its_specification() -> None:
    ReputationMachine.deploy()
    run_machine(ReputationMachine, examples=60, steps=50)
    assert all(comparison.accepted[rule] >= 100 for rule in ("earned", "silent", "convicted")), comparison.accepted
    assert set(comparison.refused) == {"reputation: reference", "reputation: rate"}

"""Random sequences of registry actions, the specification stepped beside the contract."""

from typing import Any

import boa
import pytest
from evm_contracts import STUN, account_of, deploy_config, deploy_token, deployer, now, publish
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from stepping import Comparison, run_machine, verdict

from stun.protocol import registry as specification
from stun.protocol.parameters import MODEL_RELEASE_SECONDS
from stun.protocol.registry import Model
from stun.protocol.trees.specs import model_id

pytestmark = [pytest.mark.unit, pytest.mark.stateful]

ACCOUNTS = 2
BOND = 10 * STUN
picks = st.integers(0, 63)
accounts = st.integers(0, ACCOUNTS - 1)
manifests = st.sampled_from([bytes([i]) * 32 for i in range(1, 5)])
roots = st.sampled_from([b"\x07" * 32, b"\x08" * 32])
any_bytes32 = st.sampled_from([bytes(32), b"\x01" * 32, b"\xff" * 32])
comparison = Comparison()


class RegistryMachine(RuleBasedStateMachine):
    """Two creators with tokens enough for every manifest."""

    token: Any
    contract: Any
    accounts: list[str]

    @classmethod
    def deploy(cls) -> None:
        """Put the contracts on the chain, once for all sequences."""
        owner = boa.env.generate_address("owner")
        cls.token = deploy_token(owner)
        config = deploy_config(owner)
        publish(config, owner)
        cls.contract = deployer("ModelRegistry").deploy(cls.token, config)
        cls.accounts = [boa.env.generate_address(f"creator {i}") for i in range(ACCOUNTS)]
        for account in cls.accounts:
            cls.token.transfer(account, 1_000 * STUN, sender=owner)
            cls.token.approve(cls.contract, 2**256 - 1, sender=account)

    def __init__(self) -> None:
        super().__init__()
        self.anchor = boa.env.anchor()
        self.anchor.__enter__()
        self.models: dict[bytes, Model] = {}

    def teardown(self) -> None:
        self.anchor.__exit__(None, None, None)

    @rule(who=accounts, manifest=manifests, weights=roots, graph=roots, numeric_class=st.integers(0, 3))
    def register(self, who: int, manifest: bytes, weights: bytes, graph: bytes, numeric_class: int) -> None:
        self._register(who, manifest, weights, graph, numeric_class)

    @rule(who=accounts, fields=st.tuples(any_bytes32, any_bytes32, any_bytes32), numeric_class=st.integers(0, 6))
    def register_anything(self, who: int, fields: tuple[bytes, bytes, bytes], numeric_class: int) -> None:
        self._register(who, *fields, numeric_class)

    def _register(self, who: int, manifest: bytes, weights: bytes, graph: bytes, numeric_class: int) -> None:
        creator = account_of(self.accounts[who])
        name = model_id(creator, manifest)
        known = self.models.get(name)
        fields = (manifest, weights, graph, numeric_class)
        code, model = verdict(specification.register, known, creator, *fields, BOND)
        if comparison.same("register", code, self.contract.register, *fields, sender=self.accounts[who]):
            self.models[name] = model

    @precondition(lambda self: self.models)
    @rule(pick=picks, who=accounts)
    def retire_known(self, pick: int, who: int) -> None:
        self._retire(self._known(pick), who)

    @rule(who=accounts, name=any_bytes32)
    def retire_unknown(self, who: int, name: bytes) -> None:
        self._retire(name, who)

    @precondition(lambda self: self.models)
    @rule(pick=picks, early=st.integers(0, 1), is_patient=st.booleans())
    def reclaim_known(self, pick: int, early: int, is_patient: bool) -> None:
        name = self._known(pick)
        wait = self.models[name].retired_at + MODEL_RELEASE_SECONDS - early - now()
        if is_patient and wait > 0:
            boa.env.time_travel(seconds=wait)
        self._reclaim(name)

    @rule(name=any_bytes32)
    def reclaim_unknown(self, name: bytes) -> None:
        self._reclaim(name)

    def _known(self, pick: int) -> bytes:
        return sorted(self.models)[pick % len(self.models)]

    def _retire(self, name: bytes, who: int) -> None:
        caller = account_of(self.accounts[who])
        code, model = verdict(specification.retire, self.models.get(name), caller, now())
        if comparison.same("retire", code, self.contract.retire, name, sender=self.accounts[who]):
            self.models[name] = model

    def _reclaim(self, name: bytes) -> None:
        code, reclaimed = verdict(specification.reclaim, self.models.get(name), now())
        if comparison.same("reclaim", code, self.contract.reclaim, name):
            self.models[name] = reclaimed[0]

    @rule(days=st.sampled_from([1, 4, 7]))
    def wait(self, days: int) -> None:
        boa.env.time_travel(seconds=days * 86_400)

    @invariant()
    def contract_equals_specification(self) -> None:
        for name, model in self.models.items():
            creator, numeric_class, live, *rest = self.contract.record(name)
            assert Model(account_of(creator), numeric_class, live, *rest) == model
            head = self.contract.model(name)
            assert (account_of(head[0]), head[1], head[2]) == (model.creator, model.numeric_class, model.live)

    @invariant()
    def contract_holds_exactly_the_bonds(self) -> None:
        bonds = [sum(m.bond for m in self.models.values() if m.creator == account_of(a)) for a in self.accounts]
        assert self.token.balanceOf(self.contract) == sum(bonds)
        for account, bond in zip(self.accounts, bonds, strict=True):
            assert self.token.balanceOf(account) == 1_000 * STUN - bond


def test_registry_steps_like_its_specification() -> None:
    RegistryMachine.deploy()
    run_machine(RegistryMachine, examples=80, steps=40)
    assert all(comparison.accepted[rule] >= 10 for rule in ("register", "retire", "reclaim")), comparison.accepted
    codes = {"class", "manifest", "roots", "exists", "unknown", "creator", "retired", "live", "early", "reclaimed"}
    assert {f"registry: {code}" for code in codes} == set(comparison.refused)

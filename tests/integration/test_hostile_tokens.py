"""Tokens that call back, revert, lie, take fees or say nothing, listed by mistake: the market keeps its books."""

from collections.abc import Iterator
from dataclasses import astuple
from typing import Any

import pytest
from market_stage import LOCKED, Stage, fresh_stage, honest_tree

from stun.chains.evm.addresses import narrow, widen
from stun.chains.evm.artifacts import ArtifactStore
from stun.chains.evm.market_contracts import interface
from stun.protocol.parameters import AssetRules

pytestmark = pytest.mark.integration

RULES = astuple(AssetRules(1_000, 1_000, 10**13, 10**9, audit_cover=10**13))
POCKET = 10**12


class Token:
    """A mock token, listed, of which the requester and a provider hold POCKET and have approved it all."""

    def __init__(self, stage: Stage, name: str) -> None:
        built = ArtifactStore().load(name)
        self.stage = stage
        self.abi = built.interface
        self.address = stage.deployed.machine.deploy(stage.deployed.owner, built.deploy_bytecode)
        stage.deployed.must(stage.people.owner, "Config", "list_asset", self.address, *RULES)
        for account in (stage.requester, stage.providers[0]):
            self.call(account, "mint", narrow(account), POCKET)
            self.call(account, "approve", stage.market, POCKET)

    def call(self, sender: bytes, name: str, *arguments: Any) -> None:
        """Call the token and insist that it accepts."""
        data = self.abi.function(name).encode(*arguments)
        assert self.stage.deployed.machine.send(narrow(sender), self.address, data).reason is None

    def read(self, name: str, *arguments: Any) -> Any:
        """Read a view of the token."""
        function = self.abi.function(name)
        return function.decode_output(self.stage.deployed.machine.read(self.address, function.encode(*arguments)))

    def deposit(self, account: bytes, amount: int) -> str | None:
        """Deposit and return the refusal."""
        return self.stage.refusal(account, "deposit", self.address, amount, narrow(account))

    def withdraw(self, account: bytes, amount: int) -> str | None:
        """Withdraw and return the refusal."""
        return self.stage.refusal(account, "withdraw", self.address, amount, narrow(account))

    def held(self) -> int:
        """Return what the market holds of the token."""
        return int(self.read("balanceOf", self.stage.market))

    def owed(self) -> int:
        """Return what the market owes to requester, provider, and the token itself."""
        accounts = (self.stage.requester, self.stage.providers[0], widen(self.address))
        return sum(self.stage.balance(account, self.address) for account in accounts)


@pytest.fixture
def stage() -> Iterator[Stage]:
    with fresh_stage() as lent:
        yield lent


def test_fee_on_transfer_token_credits_what_arrived(stage: Stage) -> None:
    token = Token(stage, "FeeToken")
    assert token.deposit(stage.requester, 10_000) is None
    assert stage.balance(stage.requester, token.address) == 9_900
    assert token.withdraw(stage.requester, 9_901) == "ledger: balance"
    assert token.withdraw(stage.requester, 9_900) is None
    assert token.held() == token.owed() == 0


def test_fee_on_transfer_token_that_leaves_nothing_is_refused(stage: Stage) -> None:
    token = Token(stage, "FeeToken")
    assert token.deposit(stage.requester, 0) == "ledger: nothing"


def test_reverting_token_moves_nothing_and_blocks_nobody_else(stage: Stage) -> None:
    token = Token(stage, "RevertingToken")
    assert token.deposit(stage.requester, 10_000) == "mock: failing"
    token.call(stage.requester, "set_failing", False)
    assert token.deposit(stage.requester, 10_000) is None
    token.call(stage.requester, "set_failing", True)
    assert token.withdraw(stage.requester, 10_000) == "mock: failing"
    assert stage.balance(stage.requester, token.address) == 10_000
    stage.must(stage.requester, "withdraw", stage.stun, 1, narrow(stage.requester))


def test_reverting_token_cannot_block_a_settlement(stage: Stage) -> None:
    token = Token(stage, "RevertingToken")
    token.call(stage.requester, "set_failing", False)
    for account in (stage.requester, stage.providers[0]):
        assert token.deposit(account, POCKET // 2) is None
    opened = stage.open(stage.order(asset=widen(token.address)))
    token.call(stage.requester, "set_failing", True)
    stage.post(opened, honest_tree())
    stage.travel(300)
    events = stage.must(stage.settler, "settle", *opened.about, honest_tree().root, 300)
    assert events[-1][1]["paid"] == (3_000_000, 0, 0)


def test_token_that_returns_false_credits_nothing_and_loses_nothing(stage: Stage) -> None:
    token = Token(stage, "FalseToken")
    assert token.deposit(stage.requester, 10_000) == "ledger: token"
    token.call(stage.requester, "set_failing", False)
    assert token.deposit(stage.requester, 10_000) is None
    token.call(stage.requester, "set_failing", True)
    assert token.withdraw(stage.requester, 10_000) == "ledger: token"
    assert stage.balance(stage.requester, token.address) == token.held() == 10_000


def test_token_that_returns_nothing_works(stage: Stage) -> None:
    token = Token(stage, "NoReturnToken")
    assert token.deposit(stage.requester, 10_000) is None
    assert token.withdraw(stage.requester, 4_000) is None
    assert token.held() == token.owed() == 6_000


def test_address_without_code_listed_as_a_token(stage: Stage) -> None:
    nowhere = b"\x55" * 20
    stage.deployed.must(stage.people.owner, "Config", "list_asset", nowhere, *RULES)
    outcome = stage.send(stage.requester, "deposit", nowhere, 10_000, narrow(stage.requester))
    assert outcome.reason is not None
    assert stage.balance(stage.requester, nowhere) == 0


@pytest.mark.parametrize("again", ["deposit", "withdraw", "pay_out", "deposit_with_permit"])
@pytest.mark.parametrize("entry", ["deposit", "withdraw"])
def test_re_entrant_token_is_locked_out_of_every_function_that_moves_tokens(
    stage: Stage, entry: str, again: str
) -> None:
    token = Token(stage, "ReentrantToken")
    for account in (widen(token.address), stage.requester):
        stage.must(stage.requester, "deposit", token.address, 50_000, narrow(account))
    arguments: dict[str, tuple[Any, ...]] = {
        "deposit": (token.address, 1_000, token.address),
        "withdraw": (token.address, 50_000, token.address),
        "pay_out": (True, token.address, token.address, 0),
        "deposit_with_permit": (token.address, 1_000, token.address, 0, 27, bytes(32), bytes(32)),
    }
    token.call(stage.requester, "arm", stage.market, interface("Marketplace").function(again).encode(*arguments[again]))
    assert (token.deposit if entry == "deposit" else token.withdraw)(stage.requester, 10_000) is None
    assert (token.read("calls"), token.read("has_succeeded")) == (1, False)
    assert token.held() == token.owed()


def test_re_entrant_token_may_call_what_moves_no_tokens_and_gains_nothing(stage: Stage) -> None:
    token = Token(stage, "ReentrantToken")
    for account in (stage.requester, stage.providers[0]):
        assert token.deposit(account, POCKET // 2) is None
    opened = stage.open(stage.order(asset=widen(token.address)))
    stage.post(opened, honest_tree())
    stage.travel(300)
    settle = interface("Marketplace").function("settle").encode(*opened.about, honest_tree().root, 300)
    token.call(stage.requester, "arm", stage.market, settle)
    before = token.owed()
    assert token.deposit(stage.requester, 10_000) is None
    assert token.read("has_succeeded") is True
    shares = sum(stage.share(which, token.address) for which in ("treasury", "insurance", "audit"))
    others = sum(stage.balance(who, token.address) for who in (stage.creator, stage.matcher))
    assert token.held() == token.owed() + shares + others
    assert token.owed() > before + 10_000 - LOCKED


def test_permit_that_calls_back_gains_nothing(stage: Stage) -> None:
    token = Token(stage, "ReentrantToken")
    withdraw = interface("Marketplace").function("withdraw").encode(token.address, 1, token.address)
    token.call(stage.requester, "arm", stage.market, withdraw)
    call = (token.address, 10_000, narrow(stage.requester), 0, 27, bytes(32), bytes(32))
    stage.must(stage.requester, "deposit_with_permit", *call)
    assert token.read("has_succeeded") is False
    assert token.held() == token.owed() == 10_000

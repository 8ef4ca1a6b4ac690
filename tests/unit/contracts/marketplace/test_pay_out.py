"""pay_out: treasury and insurance leave by the owner alone, and only what is theirs."""

import pytest
from market_stage import BOND, Stage, honest_tree

from stun.chains.evm.addresses import narrow
from stun.protocol.messages import Order

pytestmark = pytest.mark.unit

TREASURY = 375_000  # 15 % of 3,000,000 less 2 % and 0.5 %
INSURED = BOND // 10  # silence before a commitment


@pytest.fixture
def shares(stage: Stage) -> Stage:
    """A market with 375,000 of STUN in the treasury and a tenth of a bond in USDC in the insurance."""
    opened = stage.open(stage.order())
    stage.post(opened, honest_tree())
    stage.travel(300)
    stage.must(stage.settler, "settle", *opened.about, honest_tree().root, 300)
    silent: Order = stage.order(asset=stage.deployed.usdc)
    lost = stage.open(silent)
    stage.travel(600)
    stage.must(stage.settler, "expire", *lost.about)
    return stage


def test_the_treasury_pays_out(shares: Stage) -> None:
    owner, to = shares.people.owner, shares.people.stranger
    assert shares.share("treasury") == TREASURY
    before = shares.tokens(to)
    events = shares.must(owner, "pay_out", False, shares.stun, narrow(to), 1_000)
    assert shares.share("treasury") == TREASURY - 1_000
    assert shares.tokens(to) == before + 1_000
    assert events == [("PaidOut", {"insurance": False, "asset": shares.stun, "to": narrow(to), "amount": 1_000})]


def test_the_insurance_pays_out(shares: Stage) -> None:
    owner, to = shares.people.owner, shares.people.stranger
    assert shares.share("insurance", shares.usdc) == INSURED
    events = shares.must(owner, "pay_out", True, shares.usdc, narrow(to), INSURED)
    assert shares.share("insurance", shares.usdc) == 0
    assert events == [("PaidOut", {"insurance": True, "asset": shares.usdc, "to": narrow(to), "amount": INSURED})]


@pytest.mark.parametrize(("insurance", "asset", "amount"), [(False, "stun", TREASURY + 1), (True, "usdc", INSURED + 1)])
def test_more_than_the_share_is_refused(shares: Stage, insurance: bool, asset: str, amount: int) -> None:
    token = {"stun": shares.stun, "usdc": shares.usdc}[asset]
    arguments = (insurance, token, narrow(shares.people.owner), amount)
    assert shares.refusal(shares.people.owner, "pay_out", *arguments) == "ledger: balance"


def test_only_the_owner_pays_out(shares: Stage) -> None:
    arguments = (False, shares.stun, narrow(shares.people.stranger), 1)
    assert shares.refusal(shares.people.stranger, "pay_out", *arguments) == "ownable: caller is not the owner"


def test_ownership_changes_hands_in_two_steps(shares: Stage) -> None:
    new = shares.people.court
    shares.must(shares.people.owner, "transfer_ownership", narrow(new))
    assert shares.view("owner") == narrow(shares.people.owner)
    assert shares.view("pending_owner") == narrow(new)
    shares.must(new, "accept_ownership")
    assert shares.view("owner") == narrow(new)
    shares.must(new, "pay_out", False, shares.stun, narrow(new), 1)

"""The money of the formulas is the money that the specification moves: dishonest lives, stepped in the market."""

from dataclasses import replace
from hashlib import sha256

import pytest
from court_scene import honest_scene
from fake_market import FAKE_COURT, FAKE_USDC, START, USDC_RULES, FakeMarket

from stun.chains.evm.addresses import widen
from stun.chains.evm.market_deploy import production_plan
from stun.protocol import registry
from stun.protocol.court.state import Demand
from stun.protocol.economics.account import prepaid
from stun.protocol.economics.disputes import deposit, deposits
from stun.protocol.economics.setting import AUDITORS, Setting
from stun.protocol.economics.setting import USDC_RULES as LISTED
from stun.protocol.market import actions
from stun.protocol.market.state import Market
from stun.protocol.market.step import step
from stun.protocol.messages import NOBODY, Bid, Order, nonce_of
from stun.protocol.parameters import NumericClass
from stun.protocol.staking import Stake
from stun.protocol.trees.results import Result, ResultsTree
from stun.protocol.trees.specs import model_id

MONEY = 10**15
COUNT, UNITS = 8, 100
PRICE = 125_000_000_000  # 8 tasks of 100 units lock 100 USDC
REQUESTER, CHEAT, ACCOMPLICE = (widen(bytes([n]) * 20) for n in (0x11, 0x22, 0x33))
TREE = ResultsTree([Result(sha256(bytes([task])).digest(), UNITS) for task in range(COUNT)])


class Life:
    """A batch of one replica, with results; the cheat is creator, matcher and settler too."""

    def __init__(self, audit_ppm: int) -> None:
        self.setting = Setting(count=COUNT, locked=100_000_000, audit_ppm=audit_ppm, asset=USDC_RULES)
        self.now, self.market = START, FakeMarket(auditors=AUDITORS).state
        manifest, roots = sha256(b"manifest").digest(), [sha256(b"root").digest()] * 2
        model = model_id(CHEAT, manifest)
        record = registry.register(None, CHEAT, manifest, *roots, NumericClass.EXACT, 0)
        self.change(
            balances={(FAKE_USDC, account): MONEY for account in (REQUESTER, CHEAT)},
            held={FAKE_USDC: 2 * MONEY},
            stakes={CHEAT: Stake(active=10**12)},
            models={model: record},
        )
        expires_at = START + 3_600
        order = Order(
            REQUESTER, FAKE_USDC, model, b"\x01" * 32, COUNT, UNITS, PRICE, PRICE, 0, 0, 1, audit_ppm, 600, 60, 600, 0,
            0, bytes(32), NOBODY, NOBODY, 0, 0, expires_at, nonce_of(expires_at, 0, 1),
        )  # fmt: skip
        self.batch_id = order.digest(self.market.domain)
        bid = Bid(CHEAT, self.batch_id, PRICE, CHEAT, expires_at)
        self.act(actions.Match(CHEAT, order, REQUESTER, (actions.SignedBid(bid, CHEAT),)))
        self.act(actions.PostResult(CHEAT, self.batch_id, TREE.top))

    def change(self, **fields: object) -> None:
        """Replace a part of the market's state."""
        self.market: Market = replace(self.market, **fields)

    def act(self, action: actions.Action) -> None:
        """Take one step."""
        self.market, _ = step(self.market, action, self.now)

    def gained(self, *accounts: bytes) -> int:
        """What these accounts have more than they began with."""
        began = MONEY * sum(account in (REQUESTER, CHEAT) for account in accounts)
        return sum(self.market.balances.get((FAKE_USDC, account), 0) for account in accounts) - began


@pytest.fixture(params=[10_000, 200_000, 1_000_000])
def life(request: pytest.FixtureRequest) -> Life:
    return Life(request.param)


def test_a_paid_cheat_has_at_most_what_the_formulas_say(life: Life) -> None:
    life.now += 10_000
    life.act(actions.Settle(CHEAT, life.batch_id, TREE.root, TREE.total_units))

    assert life.gained(CHEAT) == life.setting.earned
    assert life.gained(REQUESTER) == -life.setting.locked - prepaid(life.setting)


def test_a_convicted_cheat_and_its_accomplice_lose_what_the_formulas_say(life: Life) -> None:
    life.act(actions.Convict(FAKE_COURT, life.batch_id, 0, True, ACCOMPLICE))

    assert life.gained(CHEAT) == -life.setting.bond
    assert life.gained(ACCOMPLICE) == life.setting.reward
    assert life.gained(CHEAT, ACCOMPLICE) == -life.setting.lost
    assert life.gained(REQUESTER) == -prepaid(life.setting)


def test_a_failed_duty_costs_no_less(life: Life) -> None:
    life.act(actions.Convict(FAKE_COURT, life.batch_id, 0, False, ACCOMPLICE))

    assert life.gained(ACCOMPLICE) == life.setting.duty_reward
    assert life.gained(CHEAT, ACCOMPLICE) <= -life.setting.lost


def test_deposits_are_those_of_the_court() -> None:
    scene = honest_scene(tasks=3)
    setting = Setting(basefee=scene.chain.basefee)
    asked = [scene.ask_top(0), scene.ask_trace(0, 0), scene.ask_trace(0, 1)]
    demands = [event.fields["demand"] for action in asked for event in scene.act(action) if event.name == "Demanded"]

    assert all(isinstance(demand, Demand) for demand in demands)
    expected = [deposit(setting, 1), deposit(setting, 2, trace=True), deposit(setting, 3, trace=True)]
    assert [demand.deposit for demand in demands] == expected
    assert deposits(setting, 1) == expected[0]


def test_the_coin_is_the_one_a_production_network_lists() -> None:
    usdc = "0x" + "05" * 20

    assert production_plan(usdc, bytes(20)).assets[usdc] == LISTED

"""Random runs of the market on both sides, guided towards what has been seen least."""

from collections import Counter
from collections.abc import Callable
from random import Random

from evm_machines import Machine
from market_moves import Moves, due_moment
from market_orders import Orders, WrongOrders
from market_outside import Publish, SetRound, StakeLess, StakeMore
from market_plans import Plan, Planner
from market_wrongs import Wrongs
from side_by_side import Tally, World

from stun.protocol import config
from stun.protocol.market import actions
from stun.protocol.market.state import Phase
from stun.protocol.messages import NOBODY, Operator
from stun.protocol.staking import Stake

MATCH_CODES = (
    "orders: signature", "orders: matcher", "orders: expired", "orders: lifetime", "nonces: week", "nonces: used",
    "orders: replicas", "orders: count", "orders: price", "orders: tier", "orders: flags", "orders: asset",
    "orders: config", "orders: window", "orders: model", "orders: class", "orders: audit", "orders: lone",
    "orders: small", "orders: cover", "money: range", "bids: order", "bids: signature", "bids: expired", "bids: price",
    "bids: provider", "bids: list", "bids: stake", "ledger: balance",
)  # fmt: skip
OTHER_CODES = (
    "ledger: asset", "ledger: nobody", "ledger: nothing", "ledger: balance", "money: range", "operators: signature",
    "operators: expired", "operators: nonce", "nonces: used", "batches: unknown", "batches: lone", "batches: replica",
    "batches: late", "batches: signer", "batches: units", "trees: top", "trees: overflow", "batches: early",
    "batches: committed", "batches: opening", "batches: repeated", "batches: phase", "batches: disagree",
    "batches: claim", "batches: peer", "accept: signer", "accept: root", "resolve: agreed", "resolve: empty",
    "resolve: leaves", "resolve: order", "resolve: index", "resolve: siblings", "resolve: overflow", "resolve: root",
    "resolve: standing",
)  # fmt: skip
CODES = tuple(dict.fromkeys((*MATCH_CODES, *OTHER_CODES)))
MOST_OPEN = 24
FULL_COMPARISON = 250  # actions; what an action changes in the specification is compared at once
LEAST_STAKE = 2 * 10**11


class Run:
    """One world and one seeded source of actions for it."""

    def __init__(self, machine: Machine, seed: int, tally: Tally, auditors: int = 0, opens: int = MOST_OPEN) -> None:
        self.seed = seed
        self.rng = Random(seed)
        self.tally = tally
        self.world = World(machine, tally, auditors)
        self.plans: dict[bytes, Plan] = {}
        self.orders = Orders(self.world, self.rng)
        self.wrong_orders = WrongOrders(self.orders)
        self.moves = Moves(self.world, self.rng)
        self.wrongs = Wrongs(self.world, self.rng, self.plans)
        self.planner = Planner(self.rng)
        self._most_open = opens
        self._tried: Counter[tuple[str, str]] = Counter()

    def start(self) -> None:
        """Fund and stake the parties, through actions of both sides."""
        people, world = self.world.people, self.world
        for account in (*people.requesters, *people.bidders, people.unstaked):
            for asset in world.assets:
                self.act(actions.Deposit(account, asset, 5 * 10**14, account))
        for account in (*people.bidders, people.poor):
            world.happen(StakeMore(account, 10**12))

    def steps(self, count: int) -> None:
        """Take a number of actions, and compare the whole state at the end."""
        goal = self.tally.total + count
        while self.tally.total < goal:
            self.step()
            if self.tally.total % FULL_COMPARISON == 0:
                self.world.compare()
        self.world.compare()

    def attempt(self, count: int) -> None:
        """Take a number of actions; a failure says by which seed and actions it is reached.

        Errors: AssertionError (also a Divergence) with the last actions.
        """
        try:
            self.steps(count)
        except AssertionError as error:
            last = "\n".join(f"  at {now}: {what}" for now, what in self.world.log[-3:])
            place = f"seed {self.seed}, action {len(self.world.log)} at {self.world.now}"
            raise AssertionError(f"{error}\n{place}; the last actions:\n{last}") from error

    def step(self) -> None:
        """Take one step of some kind."""
        kinds: tuple[tuple[float, Callable[[], None]], ...] = (
            (0.06, self._time), (0.24, self._wrong), (0.10, self._wrong_match), (0.12, self._match),
            (0.06, self._money), (0.02, self._outside), (0.40, self._move),
        )  # fmt: skip
        chosen = self.rng.choices([kind for _, kind in kinds], [weight for weight, _ in kinds])[0]
        chosen()

    def act(self, action: actions.Action) -> str | None:
        """Take an action on both sides, and keep the plans in step."""
        code = self.world.act(action)
        if isinstance(action, actions.Match) and code is None:
            batch_id = action.order.digest(self.world.market.domain)
            terms = self.world.history.opened[batch_id]
            self.plans[batch_id] = self.planner.plan(batch_id, action.order, terms)
        for batch_id in [key for key in self.plans if key not in self.world.market.batches]:
            del self.plans[batch_id]
        return code

    def _time(self) -> None:
        """Pass some time; mostly to a deadline of some batch, one second before or after it."""
        batches = list(self.world.market.batches.values())
        until = self.world.now + self.rng.choice((1, 5, 60))
        if batches and self.rng.random() < 0.7:
            moments = sorted(moment for batch in batches if (moment := due_moment(batch)) > self.world.now)
            until = self.rng.choice(moments[:3] or [self.world.now + 1]) + self.rng.choice((-1, 0, 0, 1))
        self.world.pass_time(min(until, self.world.now + 1_200))

    def _wrong(self) -> None:
        code = self._rarest("other", OTHER_CODES)
        action = self.wrongs.make(code)
        if action is not None:
            self.act(action)

    def _wrong_match(self) -> None:
        code = self._rarest("match", MATCH_CODES)
        if code == "orders: cover" and not config.value(self.world.market.config, "auditors"):
            self.world.happen(Publish((("auditors", 2),), self.world.people.court))
        self.act(self.wrong_orders.make(code))

    def _rarest(self, kind: str, codes: tuple[str, ...]) -> str:
        """Return a code that was tried or met less often than others."""
        chosen = min(self.rng.sample(codes, 12), key=lambda code: self._tried[kind, code] + self.tally.codes[code])
        self._tried[kind, chosen] += 1
        return chosen

    def _match(self) -> None:
        if len(self.world.market.batches) < self._most_open:
            self.act(self.orders.seal(self.orders.propose()))
        else:
            self._move()

    def _move(self) -> None:
        if not self.plans:
            return
        key = self.rng.choice(list(self.plans))
        if self.rng.random() < 0.3:
            stale = min(self.plans, key=lambda k: due_moment(self.world.market.batches[k]))
            key = stale
        self.act(self.moves.move(self.plans[key]))

    def _money(self) -> None:
        rng, people = self.rng, self.world.people
        party, asset = rng.choice(people.all), rng.choice(self.world.assets)
        free = self.world.market.balances.get((asset, party), 0)
        nonce = self.orders.nonce(self.world.now + rng.choice((0, 10**6)))
        account = rng.choice(people.providers)
        operator = rng.choice((*people.operators, NOBODY))
        message = Operator(account, operator, self.world.market.operator_nonces.get(account, 0), self.world.now + 1)
        held = self.world.market.audit.get(asset, 0)
        version = self.world.market.config.version
        payer = rng.choice((people.auditor, people.auditor, people.court))
        due = tuple((rng.choice(people.all), rng.choice((0, 1, held // 2, held + 1))) for _ in range(rng.randint(0, 8)))
        chosen: tuple[actions.Action, ...] = (
            actions.Deposit(party, asset, rng.randint(1, 10**9), rng.choice(people.all)),
            actions.Withdraw(party, asset, max(1, rng.choice((1, free // 100))), rng.choice(people.all)),
            actions.CancelOrder(party, nonce),
            actions.FundAudit(party, asset, max(1, free // 1_000)),
            actions.PayAudit(payer, rng.randint(1, version), asset, due),
            actions.SetOperator(account, message), actions.SetOperator(people.stranger, message, account),
        )  # fmt: skip
        self.act(rng.choice(chosen))

    def _outside(self) -> None:
        """Change the config, or stake; top up whoever was slashed too often."""
        people, rng = self.world.people, self.rng
        for account in people.bidders:
            if self.world.market.stakes.get(account, Stake()).active < LEAST_STAKE:
                self.world.happen(StakeMore(account, 10**12))
        if rng.random() < 0.5:
            self.world.happen(SetRound(rng.choice((0, 1, rng.randint(1, 100), 2**32 - 1))))
            return
        if rng.random() < 0.5:
            self.world.happen(StakeLess(rng.choice(people.bidders), rng.randint(1, 10**10)))
            return
        changes = {
            "reveal_seconds": (60, 30, 61), "match_fee_bps": (0, 200, 500), "settle_fee_bps": (10, 50, 300),
            "silence_bps": (1_000, 5_000), "withdraw_bps": (0, 200, 1_000), "stake_slash_bps": (100, 1_000, 5_000),
            "max_hold": (3_600, 2_100), "resolve_seconds": (120, 30), "auditors": (0, 2, 7),
        }  # fmt: skip
        name = rng.choice(list(changes))
        court = rng.choice((people.court, people.court, people.stranger))
        self.world.happen(Publish(((name, rng.choice(changes[name])),), court, rng.random() < 0.8))

    def open_phases(self) -> Counter[Phase]:
        """Return how many batches stand in each phase."""
        return Counter(batch.phase for batch in self.world.market.batches.values())

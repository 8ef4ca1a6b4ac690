"""A market on which a short story is told, action by action, with what each comes to.

Accounts are named: `account("provider 1")` is a hash, or the address of 20 bytes that it ends with under an EVM domain.
Signatures are left to each chain: an action says who signed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from json import dumps
from typing import Any

from scripts.conformance.encoding import encode, noise
from stun.protocol import config, registry, staking
from stun.protocol.errors import Rejected
from stun.protocol.market import actions
from stun.protocol.market.state import Market, Terms
from stun.protocol.market.step import step
from stun.protocol.messages import NOBODY, Bid, Domain, Order, foreign_domain, nonce_of
from stun.protocol.parameters import PARAMETERS, AssetRules, NumericClass, development
from stun.protocol.trees.results import Result, ResultsTree, Top, derive
from stun.protocol.trees.specs import commitment, model_id

START = 1_760_000_000
DOMAIN: Domain = foreign_domain("conformance", bytes(32))
DEPOSIT = 10**12
STAKE = 10**12
PRICE = 10**10
UNITS = (70, 80, 90, 60)
PROVIDERS = ("provider 1", "provider 2", "provider 3")
ASSETS = {
    "stun": AssetRules(
        min_locked=1_000,
        min_bond=1_000,
        reward_cap=10**13,
        reference_fee=10**9,
        audit_fee=10**7,
        report_fee=10**6,
        audit_cover=10**12,
    ),
    "coin": AssetRules(
        min_locked=1,
        min_bond=1,
        reward_cap=10**6,
        reference_fee=10**6,
        audit_fee=10**4,
        report_fee=10**3,
        audit_cover=10**12,
    ),
}


@dataclass(frozen=True, slots=True)
class Paced:
    """A beacon of which only the clock is known: at `now` the round `ahead + (now - genesis) // period` is due."""

    genesis: int = START
    period: int = 30
    ahead: int = 1_000

    def due_round(self, now: int) -> int:
        """The round that is due."""
        return self.ahead + (now - self.genesis) // self.period

    def randomness(self, number: int) -> bytes:
        """Nobody brings a round."""
        return bytes(32)


def account(name: str) -> bytes:
    """Return the account of a role."""
    return noise(f"account {name}")


def start() -> Market:
    """Return the market every story starts from: a development network, four models, deposits and stakes."""
    values, bounds = development()
    values |= {"auditors": 2}
    peers = config.Peers(account("settlement"), account("court"), account("auditor"), account("beacon"))
    state = config.publish(config.ConfigState(bounds), [values[p.name] for p in PARAMETERS], peers, START)
    for name, rules in ASSETS.items():
        state = config.list_asset(state, account(name), rules)
    market = Market(DOMAIN, account("stun"), state, account("owner"), beacons={account("beacon"): Paced()})
    stakes = {account(name): staking.stake(staking.Stake(), STAKE) for name in PROVIDERS}
    market = replace(market, models={model_of(kind): _model(kind) for kind in NumericClass}, stakes=stakes)
    for name in ("requester", *PROVIDERS):
        for asset in ASSETS:
            deposit = actions.Deposit(account(name), account(asset), DEPOSIT, account(name))
            market, _ = step(market, deposit, START)
    return market


def model_of(kind: NumericClass) -> bytes:
    """Return the id of the model of a class."""
    return model_id(account("creator"), noise(f"manifest {kind.name}"))


def _model(kind: NumericClass) -> registry.Model:
    manifest, weights, graph = (noise(f"{part} {kind.name}") for part in ("manifest", "weights", "graph"))
    bond = development()[0]["model_bond"]
    return registry.register(None, account("creator"), manifest, weights, graph, kind, bond)


def tree_of(units: Sequence[int] = UNITS, **wrong: str) -> ResultsTree:
    """Return results with these units; `t1="x"` gives task 1 another output."""
    texts = (wrong.get(f"t{task}", f"output {task}") for task in range(len(units)))
    return ResultsTree(Result(noise(text), used) for text, used in zip(texts, units, strict=True))


def salt_of(replica: int) -> bytes:
    """Return a replica's salt."""
    return noise(f"salt {replica}")


def record_of(market: Market) -> dict[str, Any]:
    """Return the state as a vector shows it: lists sorted by their keys, nothing that is zero."""
    plain = {
        name: getattr(market, name)
        for name in ("treasury", "insurance", "audit", "held", "operators", "operator_nonces")
    }
    record: dict[str, Any] = {name: _rows(values) for name, values in plain.items()}
    record["burned"] = encode(market.burned)
    record["balances"] = encode(sorted((asset, who, value) for (asset, who), value in market.balances.items() if value))
    record["stakes"] = encode([(who, s.active, s.unbonding, s.unlock_at) for who, s in sorted(market.stakes.items())])
    record["reputations"] = encode([(who, r.value, r.day) for who, r in sorted(market.reputations.items())])
    record["nonces"] = encode(sorted(market.nonces))
    hidden = {"terms"}
    record["batches"] = [
        {"batch_id": encode(name)} | {k: v for k, v in encode(batch).items() if k not in hidden}
        for name, batch in sorted(market.batches.items())
    ]
    return record


def _rows(values: Any) -> Any:
    return encode([(key, value) for key, value in sorted(values.items()) if value and value != NOBODY])


def state_digest(market: Market) -> str:
    """Return sha256 over the record as JSON with sorted keys and no spaces."""
    text = dumps(record_of(market), sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()


class Scene:
    """One story. `steps` is what the vector shows; requester and providers have deposits before it begins."""

    def __init__(self) -> None:
        self.market = start()
        self.now = START
        self.steps: list[dict[str, Any]] = []
        self.terms: dict[bytes, Terms] = {}
        self._orders = 0

    def act(self, action: actions.Action) -> str | None:
        """Take an action; note its events and the state's digest, or the code that refuses it, and return that."""
        said: dict[str, Any] = {"now": encode(self.now), "action": type(action).__name__, "fields": encode(action)}
        try:
            self.market, events = step(self.market, action, self.now)
        except Rejected as refusal:
            self.steps.append(said | {"error": refusal.code})
            return refusal.code
        for event in events:
            if event.name == "BatchOpened":
                self.terms[event.fields["batch_id"]] = event.fields["terms"]
        shown = [{"name": event.name, "fields": encode(event.fields)} for event in events]
        self.steps.append(said | {"events": shown, "state": state_digest(self.market)})
        return None

    def order(self, replicas: int = 1, kind: NumericClass = NumericClass.EXACT, **changes: Any) -> Order:
        """Return an order with a nonce of its own."""
        self._orders += 1
        expires_at = changes.get("expires_at", self.now + 3_600)
        order = Order(
            requester=account("requester"), asset=account("stun"), model_id=model_of(kind), specs_root=noise("specs"),
            count=len(UNITS), max_units=100, start_price=PRICE, max_price=PRICE, ramp_start=0, ramp_seconds=0,
            replicas=replicas, audit_ppm=0 if kind == NumericClass.OPAQUE else 500_000, post_seconds=600,
            task_seconds=10, challenge_seconds=300, tier=0, flags=0, recipient_key=NOBODY, matcher=NOBODY,
            providers_root=NOBODY, tip=0, config=0, expires_at=expires_at,
            nonce=nonce_of(expires_at, 0, self._orders),
        )  # fmt: skip
        return replace(order, **changes)

    def bids(self, order: Order, **changes: Any) -> tuple[actions.SignedBid, ...]:
        """Return signed bids of the first providers."""
        digest = order.digest(DOMAIN)
        names = PROVIDERS[: order.replicas]
        bids = [Bid(account(name), digest, PRICE, account("matcher"), self.now + 60) for name in names]
        return tuple(actions.SignedBid(replace(bid, **changes), bid.provider) for bid in bids)

    def match(self, order: Order, bids: tuple[actions.SignedBid, ...] | None = None) -> bytes:
        """Bring an order as its matcher; return its batch's id."""
        signed = self.bids(order) if bids is None else bids
        self.act(actions.Match(account("matcher"), order, order.requester, signed))
        return order.digest(DOMAIN)

    def post(self, batch_id: bytes, tree: ResultsTree) -> str | None:
        """Post a lone provider's result by its own call."""
        return self.act(actions.PostResult(self.provider(batch_id, 0), batch_id, tree.top))

    def deliver(
        self, batch_id: bytes, trees: dict[int, ResultsTree | Top], reveal: bool = True, commit: bool = True
    ) -> str | None:
        """Bring commitments, openings, or both."""
        tops = {k: tree.top if isinstance(tree, ResultsTree) else tree for k, tree in trees.items()}
        commits = tuple(self._commit(batch_id, k, top) for k, top in tops.items()) if commit else ()
        reveals = tuple(actions.Reveal(k, top, salt_of(k)) for k, top in tops.items()) if reveal else ()
        return self.act(actions.Deliver(account("settler"), batch_id, commits, reveals))

    def settle(self, batch_id: bytes, tree: ResultsTree | None = None, later: int = 300) -> str | None:
        """Let time pass and end a batch."""
        self.now += later
        claim = (tree.root, tree.total_units) if tree else (NOBODY, 0)
        return self.act(actions.Settle(account("settler"), batch_id, *claim))

    def provider(self, batch_id: bytes, replica: int) -> bytes:
        """Return who serves a replica."""
        return self.terms[batch_id].casts[replica].provider

    def _commit(self, batch_id: bytes, replica: int, top: Top) -> actions.SignedCommit:
        provider = self.provider(batch_id, replica)
        root, units = derive(self.terms[batch_id].count, top)
        return actions.SignedCommit(replica, commitment(batch_id, provider, root, units, salt_of(replica)), provider)


Story = Callable[[Scene], None]
GOOD = tree_of()
BAD = tree_of(t1="wrong")
WORSE = tree_of((70, 80, 10, 60), t1="false", t2="false")
SETTLER = account("settler")
REQUESTER = account("requester")

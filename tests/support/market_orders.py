"""Orders and bids for the stateful tests: valid ones, and each of the ways in which a match is refused."""

from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from deployed_market import model_of
from side_by_side import World

from stun.protocol import config
from stun.protocol.market.actions import Match, SignedBid
from stun.protocol.messages import NOBODY, Bid, Order, nonce_of
from stun.protocol.parameters import NumericClass
from stun.protocol.trees.specs import Membership, prove_provider, providers_root

CLASSES = (NumericClass.EXACT, NumericClass.EXACT, NumericClass.TOKEN, NumericClass.OPAQUE)
LARGEST = 65_536


@dataclass
class Proposal:
    """A match in the making; `digests` overrides the order digest of single bids."""

    sender: bytes
    signer: bytes | None
    order: Order
    bids: list[SignedBid]
    digests: dict[int, bytes] = field(default_factory=dict)

    def change(self, **fields: Any) -> "Proposal":
        """Change fields of the order."""
        self.order = replace(self.order, **fields)
        return self

    def change_bid(self, index: int, **fields: Any) -> "Proposal":
        """Change fields of one bid, or who signed it."""
        signed = self.bids[index]
        outer = {name: fields.pop(name) for name in ("signer", "membership") if name in fields}
        self.bids[index] = replace(signed, bid=replace(signed.bid, **fields), **outer)
        return self


class Orders:
    """Makes matches for a world from a seeded source."""

    def __init__(self, world: World, rng: Random) -> None:
        self.world = world
        self.rng = rng
        self._word = 0

    def nonce(self, expires_at: int) -> int:
        """Return a nonce that nobody has used: 256 share a word."""
        self._word += 1
        return nonce_of(expires_at, self._word // 256, self._word % 256)

    def seal(self, proposal: Proposal) -> Match:
        """Bind the bids to the order and return the action."""
        digest = proposal.order.digest(self.world.market.domain)
        bids = tuple(
            replace(signed, bid=replace(signed.bid, order_digest=proposal.digests.get(k, digest)))
            for k, signed in enumerate(proposal.bids)
        )
        return Match(proposal.sender, proposal.order, proposal.signer, bids)

    def propose(self, replicas: int | None = None, numeric_class: NumericClass | None = None) -> Proposal:
        """Return a match that the rules allow, money and stake permitting."""
        rng, people = self.rng, self.world.people
        kind = rng.choice(CLASSES) if numeric_class is None else numeric_class
        order = self._order(replicas or rng.randint(1, 3), kind)
        providers = rng.sample([p for p in people.bidders if p != order.requester], order.replicas)
        listed = order.providers_root != NOBODY
        if listed:
            admitted = [*providers, *rng.sample(people.all, rng.randint(0, 5))]
            order = replace(order, providers_root=providers_root(admitted))
        sender = order.matcher if order.matcher != NOBODY else self._sender(order, providers)
        bids = []
        for provider in providers:
            proof = prove_provider(admitted, provider) if listed else None
            bids.append(SignedBid(self._bid(order, provider), self.duty_signer(provider), proof))
        signer = None if sender == order.requester else order.requester
        return Proposal(sender, signer, order, bids)

    def duty_signer(self, provider: bytes) -> bytes:
        """Return whose key signs for a provider: its own, or at times its operator's."""
        operator = self.world.market.operators.get(provider, NOBODY)
        return operator if operator != NOBODY and self.rng.random() < 0.5 else provider

    def _sender(self, order: Order, providers: list[bytes]) -> bytes:
        people = self.world.people
        return self.rng.choice((people.matchers[0], people.stranger, order.requester, providers[0]))

    def _bid(self, order: Order, provider: bytes) -> Bid:
        ceiling = order.price_at(self.world.now)
        price = self.rng.choice((ceiling, ceiling - 1, ceiling * 9 // 10))
        matcher = self.rng.choice((NOBODY, *self.world.people.matchers))
        expires_at = self.world.now + self.rng.choice((1, 60, 3_600))
        return Bid(provider, bytes(32), min(price, ceiling), matcher, expires_at)

    def _order(self, replicas: int, numeric_class: NumericClass) -> Order:
        rng, now, people = self.rng, self.world.now, self.world.people
        count = LARGEST if rng.random() < 0.004 else rng.choice((1, 1, 2, 3, rng.randint(4, 40)))
        price = rng.choice((2 * 10**9, 2 * 10**9 + 7, 3 * 10**9 + 333_333))
        expires_at = now + rng.choice((1, 600, 90 * 86_400))
        task = rng.randint(1, 60)
        post = rng.choice((task, rng.randint(task, 900), 900, 900))
        ramp = rng.choice(((0, 0), (now, 100), (now - 50, 100), (now + 10, 5), (now - 100, 100)))
        listed = (numeric_class == NumericClass.OPAQUE and replicas == 1) or rng.random() < 0.15
        audit_ppm = 0 if numeric_class == NumericClass.OPAQUE else rng.choice((10_000, 33_333, 500_000, 10**6))
        return Order(
            requester=rng.choice(people.requesters), asset=rng.choice(self.world.assets),
            model_id=model_of(people.creator, numeric_class)[0], specs_root=rng.randbytes(32), count=count,
            max_units=rng.choice((1, 7, 100, 1_000)), start_price=price * 9 // 10, max_price=price,
            ramp_start=ramp[0], ramp_seconds=ramp[1], replicas=replicas, audit_ppm=audit_ppm, post_seconds=post,
            task_seconds=task, challenge_seconds=20 + 2 * task + rng.choice((0, 1, 300, 900)), tier=0,
            flags=rng.choice((0, 0, 0, 1, 2, 3)), recipient_key=rng.randbytes(32),
            matcher=rng.choice((NOBODY, NOBODY, people.matchers[1])), providers_root=bytes([listed]) * 32,
            tip=rng.choice((0, 1, 999, 10**6)),
            config=rng.choice((0, self.world.market.config.version)), expires_at=expires_at,
            nonce=self.nonce(expires_at),
        )  # fmt: skip


class WrongOrders:
    """One method for each code with which a match is refused."""

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.rng = orders.rng
        self.world = orders.world

    def make(self, code: str) -> Match:
        """Return a match that the rule named by the code has to refuse."""
        made: Proposal = getattr(self, code.replace(": ", "_"))(self.orders.propose())
        return self.orders.seal(made)

    def _expiring(self, proposal: Proposal, expires_at: int) -> Proposal:
        return proposal.change(expires_at=expires_at, nonce=self.orders.nonce(expires_at))

    def _by_stranger(self, proposal: Proposal) -> Proposal:
        proposal.sender, proposal.signer = self.world.people.stranger, proposal.order.requester
        return proposal.change(matcher=NOBODY)

    def orders_signature(self, proposal: Proposal) -> Proposal:
        proposal = self._by_stranger(proposal)
        proposal.signer = self.rng.choice((None, None, self.world.people.stranger, self.world.people.operators[0]))
        return proposal.change(requester=NOBODY) if self.rng.random() < 0.1 else proposal

    def orders_matcher(self, proposal: Proposal) -> Proposal:
        return self._by_stranger(proposal).change(matcher=self.world.people.matchers[0])

    def orders_expired(self, proposal: Proposal) -> Proposal:
        return self._expiring(proposal, self.world.now - self.rng.choice((0, 0, 1, 604_800)))

    def orders_lifetime(self, proposal: Proposal) -> Proposal:
        return self._expiring(proposal, self.world.now + 90 * 86_400 + self.rng.choice((1, 2, 10**8)))

    def nonces_week(self, proposal: Proposal) -> Proposal:
        later = proposal.order.expires_at + self.rng.choice((-604_800, 604_800))
        return proposal.change(nonce=self.orders.nonce(later))

    def nonces_used(self, proposal: Proposal) -> Proposal:
        week = proposal.order.nonce >> 40
        used = [n for account, n in self.world.market.nonces if account == proposal.order.requester and n >> 40 == week]
        return proposal.change(nonce=self.rng.choice(sorted(used))) if used else proposal

    def orders_replicas(self, proposal: Proposal) -> Proposal:
        wrong = [n for n in (0, 1, 2, 3, 4, 255) if n != len(proposal.bids)]
        if self.rng.random() < 0.2:
            proposal.bids = []
        return proposal.change(replicas=self.rng.choice(wrong))

    def orders_count(self, proposal: Proposal) -> Proposal:
        wrong = ({"count": 0}, {"count": 65_537}, {"count": 2**32 - 1}, {"max_units": 0})
        return proposal.change(**self.rng.choice(wrong))

    def orders_price(self, proposal: Proposal) -> Proposal:
        return proposal.change(start_price=proposal.order.max_price + 1)

    def orders_tier(self, proposal: Proposal) -> Proposal:
        return proposal.change(tier=self.rng.choice((1, 2, 3, 255)))

    def orders_flags(self, proposal: Proposal) -> Proposal:
        return proposal.change(flags=self.rng.choice((4, 5, 8, 255)))

    def orders_asset(self, proposal: Proposal) -> Proposal:
        return proposal.change(asset=self.rng.choice((self.world.people.stranger, NOBODY)))

    def orders_config(self, proposal: Proposal) -> Proposal:
        version = self.world.market.config.version
        return proposal.change(config=self.rng.choice((version + 1, version - 1, version + 65_536)))

    def orders_window(self, proposal: Proposal) -> Proposal:
        times = {p: config.value(self.world.market.config, p) for p in ("max_post_seconds", "max_challenge_seconds")}
        least = 20 + 2 * proposal.order.task_seconds
        wrong = (
            {"post_seconds": 0}, {"post_seconds": times["max_post_seconds"] + 1}, {"task_seconds": 0},
            {"task_seconds": proposal.order.post_seconds + 1}, {"challenge_seconds": least - 1},
            {"challenge_seconds": times["max_challenge_seconds"] + 1},
            {"challenge_seconds": 2**32 - 1, "task_seconds": 2**32 - 1},
        )  # fmt: skip
        return proposal.change(**self.rng.choice(wrong))

    def orders_model(self, proposal: Proposal) -> Proposal:
        retired = [name for name, model in self.world.market.models.items() if not model.live]
        return proposal.change(model_id=self.rng.choice((*retired, self.rng.randbytes(32))))

    def orders_class(self, proposal: Proposal) -> Proposal:
        return proposal.change(model_id=model_of(self.world.people.creator, NumericClass.BOUNDED)[0])

    def orders_audit(self, proposal: Proposal) -> Proposal:
        opaque = model_of(self.world.people.creator, NumericClass.OPAQUE)[0] == proposal.order.model_id
        return proposal.change(audit_ppm=self.rng.choice((1, 10**6) if opaque else (0, 9_999, 10**6 + 1)))

    def orders_lone(self, _proposal: Proposal) -> Proposal:
        made = self.orders.propose(1, NumericClass.OPAQUE).change(providers_root=NOBODY)
        return made.change_bid(0, membership=None)

    def orders_small(self, proposal: Proposal) -> Proposal:
        stun = proposal.order.asset == self.world.deployed.stun
        price = self.rng.choice((0, 999 * 10**6, 999 * 10**6 - 1) if stun else (0,))
        changed = proposal.change(count=1, max_units=1, start_price=10**9, max_price=10**9)
        return changed.change_bid(0, price=price)

    def orders_cover(self, _proposal: Proposal) -> Proposal:
        """Two seats or more make this too dear."""
        made = self.orders.propose(1, NumericClass.EXACT)
        price = self.rng.choice((6 * 10**17, 5 * 10**17))
        made.change(count=1, max_units=1, start_price=price, max_price=price, audit_ppm=10**6)
        return made.change_bid(0, price=price)

    def money_range(self, proposal: Proposal) -> Proposal:
        price = 2**64 - 1
        changed = proposal.change(count=LARGEST, max_units=2**32 - 1, start_price=price, max_price=price)
        return changed.change_bid(0, price=self.rng.choice((price, 2**20)))

    def bids_order(self, proposal: Proposal) -> Proposal:
        proposal.digests[self._any(proposal)] = self.rng.randbytes(32)
        return proposal

    def bids_signature(self, proposal: Proposal) -> Proposal:
        proposal = self._by_stranger(proposal)
        index = self._any(proposal)
        if self.rng.random() < 0.1:
            return proposal.change_bid(index, provider=NOBODY)
        wrong = (None, None, self.world.people.stranger, proposal.order.requester)
        return proposal.change_bid(index, signer=self.rng.choice(wrong))

    def bids_expired(self, proposal: Proposal) -> Proposal:
        expires_at = self.world.now - self.rng.choice((0, 0, 1, 10**6))
        return proposal.change_bid(self._any(proposal), expires_at=expires_at)

    def bids_price(self, proposal: Proposal) -> Proposal:
        ceiling = proposal.order.price_at(self.world.now)
        return proposal.change_bid(self._any(proposal), price=ceiling + self.rng.choice((1, 2, 10**6)))

    def bids_provider(self, proposal: Proposal) -> Proposal:
        if len(proposal.bids) > 1 and self.rng.random() < 0.6:
            proposal.bids[-1] = proposal.bids[0]
            return proposal
        return self._by_stranger(proposal.change(requester=proposal.bids[0].bid.provider))

    def bids_list(self, proposal: Proposal) -> Proposal:
        index = self._any(proposal)
        provider = proposal.bids[index].bid.provider
        if proposal.order.providers_root == NOBODY:
            return proposal.change_bid(index, membership=prove_provider([provider], provider))
        proof = proposal.bids[index].membership
        assert proof is not None
        wrong: list[Membership | None] = [
            None, replace(proof, index=proof.index + 1), replace(proof, count=proof.count + 1), replace(proof, count=0),
            replace(proof, path=tuple(self.rng.randbytes(32) for _ in proof.path) or (bytes(32),)),
            prove_provider([provider], provider), replace(proof, count=65_537), replace(proof, count=2**32),
        ]  # fmt: skip
        return proposal.change_bid(index, membership=self.rng.choice([w for w in wrong if w != proof]))

    def bids_stake(self, proposal: Proposal) -> Proposal:
        return self._other_provider(proposal, self.world.people.unstaked)

    def ledger_balance(self, proposal: Proposal) -> Proposal:
        if self.rng.random() < 0.5:
            return proposal.change(tip=2**64 - 1)
        return self._other_provider(proposal, self.world.people.poor)

    def _other_provider(self, proposal: Proposal, provider: bytes) -> Proposal:
        if proposal.order.providers_root != NOBODY and len(proposal.bids) == 1:
            proposal.change(providers_root=providers_root([provider]))
            return proposal.change_bid(
                0, provider=provider, signer=provider, membership=prove_provider([provider], provider)
            )
        admitted = [signed.bid.provider for signed in proposal.bids[:-1]] + [provider]
        proposal.change_bid(len(proposal.bids) - 1, provider=provider, signer=provider)
        if proposal.order.providers_root != NOBODY:
            proposal.change(providers_root=providers_root(admitted))
            for k, account in enumerate(admitted):
                proposal.change_bid(k, membership=prove_provider(admitted, account))
        return proposal

    def _any(self, proposal: Proposal) -> int:
        return self.rng.randrange(len(proposal.bids))

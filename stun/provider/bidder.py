"""From an order to a signed bid: "I hold and have validated every spec and input, and do it at this price"."""

from dataclasses import dataclass, replace

from stun.chains.market import ModelRecord
from stun.models.errors import ManifestError
from stun.pool.envelopes import BidEnvelope, OrderEnvelope
from stun.pool.errors import PoolError
from stun.pool.rehearsal import rehearse_bid, rehearse_order
from stun.pool.wire import encode
from stun.protocol import money, parameters
from stun.protocol.errors import Rejected
from stun.protocol.messages import NOBODY, Bid, Order
from stun.protocol.parameters import NumericClass
from stun.protocol.trees.specs import Membership, prove_provider, verify_provider
from stun.provider.context import ProviderContext
from stun.provider.hardware import RequirementError, parse_requirements
from stun.provider.journal import Step
from stun.provider.model_cache import CacheError
from stun.provider.policy import BiddingPolicy, PackageFacts, Refusal, Workload, decide_bid, decide_bond
from stun.provider.sandbox_errors import SandboxError
from stun.provider.workshop import ModelUnfit
from stun.storage.blobs import BlobError
from stun.storage.bundle import BundleBroken
from stun.storage.packages import PackageBroken, TaskPackage

RETRY_SECONDS = 30
VALIDATED_AT_ONCE = 256
_UNUSABLE = (BlobError, BundleBroken, PackageBroken, CacheError, ManifestError, ModelUnfit, RequirementError)


@dataclass(frozen=True, slots=True)
class Declined:
    """Why there was no bid: the code of the rule that refused, and its words."""

    order_digest: bytes
    reason: str


class Bidder:
    """Answers orders. What it declined is not looked at again for half a minute (chain time)."""

    def __init__(self, context: ProviderContext) -> None:
        self._context = context
        self._declined: dict[tuple[bytes, bytes], int] = {}

    def answer_all(self) -> list[BidEnvelope | Declined]:
        """Bid on every order that is asked for, and, where the policy says so, on any.

        Errors: PoolError, ChainError.
        """
        now = self._context.reader.now()
        self._declined = {key: until for key, until in self._declined.items() if until > now}
        self._publish_promised(now)
        promised = {(promise.order_digest, promise.matcher) for promise in self._context.journal.promises(now)}
        new = [key for key in self._wanted() if key not in self._declined and key not in promised]
        return [self._answer_variants(digest, matcher, now) for digest, matcher in new]

    def answer(self, envelope: OrderEnvelope, matcher: bytes) -> BidEnvelope | Declined:
        """Bid on one order, or say why not. `matcher` asked for it, NOBODY if none did. Errors: ChainError."""
        digest = envelope.order.digest(self._context.reader.domain)
        try:
            refusal, price = self._judge(envelope, digest, matcher)
            if refusal is not None:
                return Declined(digest, refusal)
            return self._bid(envelope, digest, matcher, price)
        except Rejected as error:
            return Declined(digest, error.code)
        except SandboxError as error:
            self._context.workshop.discard(envelope.order.model_id)
            return Declined(digest, f"model: {error}")
        except _UNUSABLE as error:
            return Declined(digest, str(error))

    def workload(self, but: bytes = b"") -> Workload:
        """What is in hand: open batches and standing bids, those for the order `but` left out."""
        context, now = self._context, self._context.reader.now()
        promised = {p.order_digest: p for p in context.journal.promises(now) if p.order_digest != but}
        active = set(context.journal.active())
        waiting = {digest: promise for digest, promise in promised.items() if digest not in active}
        return Workload(len(active) + len(waiting), -sum(p.bond for p in waiting.values()))

    def _judge(self, envelope: OrderEnvelope, digest: bytes, matcher: bytes) -> tuple[str | None, int]:
        """(refusal, price), cheap checks first."""
        context, order = self._context, envelope.order
        now, policy = context.reader.now(), context.settings.policy
        load = self._load(order, digest)
        price = decide_bid(policy, order, matcher != NOBODY, load, now)
        if isinstance(price, Refusal):
            return price.value, 0
        if not context.reader.is_signed_by(order.requester, digest, envelope.signature):
            return "orders: signature", 0
        rehearse_order(context.reader, order)
        record = self._record(order)
        refusal = decide_bond(policy, self._bond(order, record, price), load)
        if refusal is not None:
            return refusal.value, 0
        package = context.stores.take_package(envelope, record.numeric_class)
        context.journal.record(digest, Step.ORDER, encode(envelope), now)
        context.journal.record(digest, Step.PACKAGE, b"", now)
        facts = PackageFacts(self._count_refused(record, package), self._unmet(package))
        price = decide_bid(_strict(policy, record), order, matcher != NOBODY, load, now, facts)
        return (price.value, 0) if isinstance(price, Refusal) else (None, price)

    def _bid(self, envelope: OrderEnvelope, digest: bytes, matcher: bytes, price: int) -> BidEnvelope:
        context, order = self._context, envelope.order
        expires_at = min(order.expires_at, context.reader.now() + context.settings.policy.bid_seconds)
        bid = Bid(context.account, digest, price, matcher, expires_at)
        rehearse_bid(context.reader, order, bid)
        signed = BidEnvelope(bid, context.sign(bid), self._membership(envelope, self._record(order)))
        context.journal.promise(signed, order.asset, self._bond(order, self._record(order), price))
        self._publish_promised(context.reader.now())
        return signed

    def _wanted(self) -> list[tuple[bytes, bytes]]:
        """(order digest, matcher) of everything to look at."""
        context = self._context
        wanted = [(ask.ask.order_digest, ask.ask.matcher) for ask in context.pools.asks(context.account)]
        if not context.settings.policy.only_asked:
            asked = {digest for digest, _ in wanted}
            found = {envelope.order.digest(context.reader.domain) for envelope in context.pools.orders()}
            wanted += [(digest, NOBODY) for digest in sorted(found - asked)]
        return wanted

    def _answer_variants(self, digest: bytes, matcher: bytes, now: int) -> BidEnvelope | Declined:
        """The places of the tasks are hints that nobody signed, so each variant of an order is tried."""
        answer: BidEnvelope | Declined = Declined(digest, "orders: unknown")
        for envelope in self._context.pools.orders(digest):
            answer = self.answer(envelope, matcher)
            if isinstance(answer, BidEnvelope):
                self._context.log.info("bid", order=digest.hex(), price=answer.bid.price)
                return answer
        assert isinstance(answer, Declined)
        self._declined[digest, matcher] = now + RETRY_SECONDS
        self._context.log.info("declined", order=digest.hex(), reason=answer.reason)
        return answer

    def _publish_promised(self, now: int) -> None:
        """Publish what was promised; a bid that no pool takes is offered again until it expires."""
        for promise in self._context.journal.promises(now):
            if not promise.published:
                try:
                    self._context.pools.publish(promise.envelope)
                except PoolError as error:
                    self._context.log.warning("bid_not_published", order=promise.order_digest.hex(), reason=str(error))
                    continue
                self._context.journal.mark_published(promise)

    def _load(self, order: Order, digest: bytes) -> Workload:
        load = self.workload(but=digest)
        balance = self._context.reader.balance(order.asset, self._context.account)
        return replace(load, free_balance=balance + load.free_balance)

    def _record(self, order: Order) -> ModelRecord:
        record = self._context.reader.model(order.model_id)
        if record is None or not record.live:
            raise Rejected("orders: model")
        return record

    def _bond(self, order: Order, record: ModelRecord, price: int) -> int:
        rules = self._context.reader.rules(order.asset)
        if rules.asset is None:
            raise Rejected("orders: asset")
        locked = money.price_locked(order.count, order.max_units, price)
        least = rules.asset.min_bond
        if record.numeric_class == NumericClass.OPAQUE:
            return money.opaque_bond(locked, least, parameters.read(rules.limits, "opaque_bond_bps"))
        bps, margin = (parameters.read(rules.limits, name) for name in ("min_bond_bps", "bond_margin"))
        return money.bond(locked, order.audit_ppm, least, bps, margin)

    def _unmet(self, package: TaskPackage) -> tuple[str, ...]:
        wanted = package.document.get("requirements", {})
        if not isinstance(wanted, dict):
            raise RequirementError("requirements", "must be an object")
        return self._context.hardware.unmet(parse_requirements(wanted))

    def _count_refused(self, record: ModelRecord, package: TaskPackage) -> int:
        """Load the model and let it look at every input."""
        worker = self._context.workshop.worker(record)
        refused = 0
        for first in range(0, len(package.inputs), VALIDATED_AT_ONCE):
            verdicts = worker.validate(package.inputs[first : first + VALIDATED_AT_ONCE], package.params)
            refused += sum(verdict is not None for verdict in verdicts)
        return refused

    def _membership(self, envelope: OrderEnvelope, record: ModelRecord) -> Membership | None:
        """Where the order admits only some providers, its document lists them; another list proves nothing."""
        if envelope.order.providers_root == NOBODY:
            return None
        package = self._context.stores.kept_package(envelope, record.numeric_class)
        listed = package.document.get("providers", [])
        try:
            accounts = [bytes.fromhex(str(account).removeprefix("0x")) for account in listed]
        except (TypeError, ValueError) as error:
            raise Rejected("bids: list") from error
        proof = prove_provider(accounts, self._context.account)
        verify_provider(envelope.order.providers_root, self._context.account, proof)
        return proof


def _strict(policy: BiddingPolicy, record: ModelRecord) -> BiddingPolicy:
    """In class `exact` no input may be refused: the court counts units from the input, so an error result convicts."""
    return replace(policy, max_refused_bps=0) if record.numeric_class == NumericClass.EXACT else policy

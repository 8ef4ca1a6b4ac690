"""What the owner of a provider wants: which models at which prices, how much at once, for whom. Pure.

Prices are per 10^6 units, amounts in the asset's smallest unit. What the chain demands (bond, stake, windows, ramp) is
no policy: a bid is rehearsed on the specification before it is signed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from stun.protocol.messages import FLAG_PRIVATE, Order
from stun.protocol.money import ceil_div, price_locked
from stun.protocol.parameters import BPS, PROVIDER_BPS

STRICT = {"extra": "forbid"}  # how a settings file with unknown names is read: not at all


class Refusal(StrEnum):
    """Why no bid is made."""

    MODEL = "policy: model"  # not served, or not for this asset
    ASKED = "policy: not asked"
    BUSY = "policy: busy"
    PRICE = "policy: price"  # the ramp never reaches what this provider wants
    PAY = "policy: pay"  # what it can earn does not cover its gas
    BOND = "policy: bond"  # a larger share of its money than the owner risks on one batch
    TIME = "policy: time"  # the tasks take longer than the window
    SIZE = "policy: size"
    PRIVATE = "policy: private"  # no runner works on encrypted tasks
    EXPIRED = "policy: expired"
    HARDWARE = "policy: hardware"
    INPUTS = "policy: inputs"  # too many tasks that would be refused and unpaid


@dataclass(frozen=True, slots=True)
class ModelPrice:
    """What one model costs in one asset: `floor` per 10^6 units, `margin_bps` on top, `load_bps` more at full load.

    `task_milliseconds` is the owner's estimate of one task, 0 if unknown.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = STRICT

    model_id: bytes
    asset: bytes
    floor: int
    margin_bps: int = 0
    load_bps: int = 0
    task_milliseconds: int = 0

    def at_load(self, open_batches: int, max_batches: int) -> int:
        """The price asked while so many batches are open, rounded up."""
        share = min(open_batches, max_batches)
        surcharge = self.load_bps * share // max(1, max_batches)
        return ceil_div(self.floor * (BPS + self.margin_bps + surcharge), BPS)


@dataclass(frozen=True, slots=True)
class BiddingPolicy:
    """The owner's terms.

    `min_pay` by asset: least that a batch must be able to earn, above the gas of a post and a settlement.
    `max_bond_bps`: largest share of the free balance that one bond may take. `max_refused_bps`: share of tasks that
    may be refused by the runner, and so unpaid. `bid_seconds`: how long a bid stands.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = STRICT

    prices: tuple[ModelPrice, ...] = ()
    max_batches: int = 4
    only_asked: bool = True
    min_pay: Mapping[bytes, int] = field(default_factory=dict, hash=False)
    max_bond_bps: int = BPS
    max_refused_bps: int = 0
    max_count: int = 65_536
    bid_seconds: int = 300

    def price_of(self, model_id: bytes, asset: bytes) -> ModelPrice | None:
        """The price list's entry for a model in an asset."""
        return next((p for p in self.prices if (p.model_id, p.asset) == (model_id, asset)), None)

    def listed(self) -> dict[bytes, dict[bytes, int]]:
        """What a profile says: model id to {asset: lowest price}."""
        out: dict[bytes, dict[bytes, int]] = {}
        for price in self.prices:
            out.setdefault(price.model_id, {})[price.asset] = price.at_load(0, self.max_batches)
        return out


@dataclass(frozen=True, slots=True)
class Workload:
    """What the provider has in hand: batches open or promised, and the free balance that no promised bond needs."""

    batches: int
    free_balance: int


@dataclass(frozen=True, slots=True)
class PackageFacts:
    """What was learnt of an order's tasks: how many the runner would refuse, which requirements the machine lacks,
    and the bond that a bid at this price needs."""

    refused: int
    unmet: tuple[str, ...]


def decide_bid(
    policy: BiddingPolicy, order: Order, asked: bool, load: Workload, now: int, package: PackageFacts | None = None
) -> int | Refusal:
    """The price to bid, or why there is no bid. Without `package` it says whether the tasks are worth fetching."""
    entry = policy.price_of(order.model_id, order.asset)
    if entry is None:
        return Refusal.MODEL
    price = entry.at_load(load.batches, policy.max_batches)
    refusal = _refuse_order(policy, order, asked, load, now) or _refuse_terms(policy, entry, order, price)
    if refusal is None and package is not None:
        refusal = _refuse_package(policy, order, price, package)
    return price if refusal is None else refusal


def decide_bond(policy: BiddingPolicy, bond: int, load: Workload) -> Refusal | None:
    """Whether the owner risks this bond on one batch."""
    return None if bond * BPS <= load.free_balance * policy.max_bond_bps else Refusal.BOND


def decide_withdrawal(balance: int, keep: int, least: int) -> int:
    """How much free balance to pay out to the owner: all above `keep`, or nothing if that is less than `least`."""
    surplus = balance - keep
    return surplus if surplus >= max(1, least) else 0


def earnings_of(count: int, max_units: int, price: int) -> int:
    """The most that a provider earns of a batch at this price: its share of what is locked."""
    return price_locked(count, max_units, price) * PROVIDER_BPS // BPS


def _refuse_order(policy: BiddingPolicy, order: Order, asked: bool, load: Workload, now: int) -> Refusal | None:
    if policy.only_asked and not asked:
        return Refusal.ASKED
    if order.flags & FLAG_PRIVATE:
        return Refusal.PRIVATE
    if now >= order.expires_at:
        return Refusal.EXPIRED
    if load.batches >= policy.max_batches:
        return Refusal.BUSY
    return Refusal.SIZE if order.count > policy.max_count else None


def _refuse_terms(policy: BiddingPolicy, entry: ModelPrice, order: Order, price: int) -> Refusal | None:
    if price > order.max_price:
        return Refusal.PRICE
    if entry.task_milliseconds * order.count * 4 > order.post_seconds * 3_000:
        return Refusal.TIME  # a quarter of the window is kept for what goes wrong
    least = policy.min_pay.get(order.asset, 0)
    return Refusal.PAY if earnings_of(order.count, order.max_units, price) < least else None


def _refuse_package(policy: BiddingPolicy, order: Order, price: int, package: PackageFacts) -> Refusal | None:
    if package.unmet:
        return Refusal.HARDWARE
    paid_tasks = order.count - package.refused
    if package.refused * BPS > policy.max_refused_bps * order.count or paid_tasks == 0:
        return Refusal.INPUTS
    least = policy.min_pay.get(order.asset, 0)
    return Refusal.PAY if earnings_of(paid_tasks, order.max_units, price) < least else None

"""From a task to an order: every number that the requester left open is chosen here. Pure.

Amounts in the asset's smallest unit, prices per 10^6 units and replica, times in seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from stun.chains.market import ModelRecord, Rules
from stun.protocol import money
from stun.protocol.messages import NOBODY, Order, nonce_of
from stun.protocol.money import MILLION, ceil_div
from stun.protocol.parameters import BPS, MAX_REPLICAS, PPM, AssetRules, NumericClass, read
from stun_sdk.errors import TaskInvalid
from stun_sdk.task import Task

AUDIT_SHARE_PPM = 20_000  # an order pays at most 2 % of a replica's price for its audits, unless the floor asks more
TASK_SECONDS = 60
POST_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Quote:
    """What an order locks at most, and its parts; `bond` is what each provider puts at risk."""

    count: int
    replicas: int
    max_units: int
    start_price: int
    max_price: int
    audit_ppm: int
    per_replica: int
    audit_prepaid: int
    tip: int
    bond: int

    @property
    def total(self) -> int:
        """What the requester's free balance must hold at the match."""
        return self.replicas * self.per_replica + self.audit_prepaid + self.tip


@dataclass(frozen=True, slots=True)
class Terms:
    """What is known when an order is made: the model, the asset's rules, the offers' prices, the number of tasks."""

    record: ModelRecord
    rules: Rules
    prices: tuple[int, ...]
    count: int

    @property
    def asset_rules(self) -> AssetRules:
        """The asset's rules. Errors: TaskInvalid."""
        if self.rules.asset is None:
            raise TaskInvalid("asset", "is not listed on this market")
        return self.rules.asset


def choose_replicas(task: Task, numeric_class: NumericClass) -> int:
    """How many providers compute every task. Errors: TaskInvalid."""
    opaque = numeric_class == NumericClass.OPAQUE
    replicas = task.replicas if task.replicas is not None else 2 if opaque and not task.providers else 1
    if not 1 <= replicas <= MAX_REPLICAS:
        raise TaskInvalid("replicas", f"must be 1 to {MAX_REPLICAS}")
    if opaque and replicas == 1 and not task.providers:
        raise TaskInvalid(
            "replicas", "nobody can show a wrong result of an opaque model: take 2 or 3, or name trusted providers"
        )
    if numeric_class == NumericClass.BOUNDED:
        raise TaskInvalid("model_id", "models of class bounded cannot be ordered yet")
    return replicas


def choose_audit_ppm(count: int, numeric_class: NumericClass, limits: int) -> int:
    """The highest audit rate whose prepayment stays below 2 % of the price, at least the floor; 0 in class opaque.

    Where no auditors sit, prepayments are nothing and the rate only sets the bond: then every batch counts as audited.
    """
    if numeric_class == NumericClass.OPAQUE:
        return 0
    auditors = read(limits, "auditors")
    if auditors == 0:
        return PPM
    share = auditors * ceil_div(min(count, read(limits, "audit_tasks")) * PPM, count)
    certain = max(1, share * read(limits, "audit_load_bps") // BPS)
    floor = read(limits, f"floor_ppm_{numeric_class.name.lower()}")
    return min(PPM, max(floor, AUDIT_SHARE_PPM * PPM // certain))


def quote(task: Task, terms: Terms) -> Quote:
    """Fill in price, units and audit rate. Errors: TaskInvalid."""
    numeric_class = terms.record.numeric_class
    replicas = choose_replicas(task, numeric_class)
    least, highest = _prices(task, terms.prices)
    max_units = task.max_units or _units(terms, least)
    audit_ppm = task.audit_ppm
    if audit_ppm is None:
        audit_ppm = choose_audit_ppm(terms.count, numeric_class, terms.rules.limits)
    locked = money.price_locked(terms.count, max_units, highest)
    if locked < terms.asset_rules.min_locked:
        raise TaskInvalid("max_price", f"a replica locks {locked}, the market asks for {terms.asset_rules.min_locked}")
    start = min(least if task.start_price is None else task.start_price, highest)
    bond = _bond(locked, audit_ppm, terms)
    prepaid = _prepaid(locked, audit_ppm, terms)
    return Quote(terms.count, replicas, max_units, start, highest, audit_ppm, locked, prepaid, task.tip, bond)


def make_order(
    task: Task, terms: Terms, offered: Quote, requester: bytes, asset: bytes, specs_root: bytes,
    recipient_key: bytes, providers_root: bytes, nonce_place: tuple[int, int], now: int,
) -> Order:  # fmt: skip
    """Write the order; `nonce_place` is (word, bit). Errors: TaskInvalid (a window that the chain refuses)."""
    expires_at = now + task.expires_in
    post, each, challenge = windows(task, terms.rules.times)
    return Order(
        requester=requester, asset=asset, model_id=terms.record.model_id, specs_root=specs_root, count=terms.count,
        max_units=offered.max_units, start_price=offered.start_price, max_price=offered.max_price, ramp_start=now,
        ramp_seconds=task.ramp_seconds, replicas=offered.replicas, audit_ppm=offered.audit_ppm, post_seconds=post,
        task_seconds=each, challenge_seconds=challenge, tier=0, flags=0, recipient_key=recipient_key, matcher=NOBODY,
        providers_root=providers_root, tip=task.tip, config=0, expires_at=expires_at,
        nonce=nonce_of(expires_at, *nonce_place),
    )  # fmt: skip


def windows(task: Task, times: int) -> tuple[int, int, int]:
    """(post_seconds, task_seconds, challenge_seconds) within the config's bounds. Errors: TaskInvalid."""
    low, high = read(times, "min_post_seconds"), read(times, "max_post_seconds")
    post = task.post_seconds if task.post_seconds is not None else min(high, max(low, POST_SECONDS))
    longest = min(read(times, "max_task_seconds"), post)
    each = task.task_seconds if task.task_seconds is not None else min(longest, TASK_SECONDS)
    least = read(times, "draw_seconds") + read(times, "answer_seconds") + 2 * each
    challenge = task.challenge_seconds if task.challenge_seconds is not None else least
    most = read(times, "max_challenge_seconds")
    _within("post_seconds", post, low, high)
    _within("task_seconds", each, 1, longest)
    _within("challenge_seconds", challenge, least, most)
    return post, each, challenge


def _within(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise TaskInvalid(name, f"{value} seconds; this market takes {low} to {high}")


def _prices(task: Task, prices: Sequence[int]) -> tuple[int, int]:
    """(cheapest, highest price to pay): as set, or twice what the dearest wanted offer asks."""
    if task.max_price is not None:
        if task.max_price < 1:
            raise TaskInvalid("max_price", "must be positive")
        return min([*prices, task.max_price]), task.max_price
    return min(prices), 2 * max(prices)


def _units(terms: Terms, least: int) -> int:
    """The fewest units a task that lock what the market asks for even at the lowest price; the unused part returns."""
    return max(1, ceil_div(terms.asset_rules.min_locked * MILLION, terms.count * max(1, least)))


def _bond(locked: int, audit_ppm: int, terms: Terms) -> int:
    least, limits = terms.asset_rules.min_bond, terms.rules.limits
    if terms.record.numeric_class == NumericClass.OPAQUE:
        return money.opaque_bond(locked, least, read(limits, "opaque_bond_bps"))
    if not 1 <= audit_ppm <= PPM:
        raise TaskInvalid("audit_ppm", f"must be 1 to {PPM}")
    return money.bond(locked, audit_ppm, least, read(limits, "min_bond_bps"), read(limits, "bond_margin"))


def _prepaid(locked: int, audit_ppm: int, terms: Terms) -> int:
    limits = terms.rules.limits
    return money.audit_prepaid(
        locked, terms.count, audit_ppm, read(limits, "auditors"), read(limits, "audit_tasks"),
        terms.asset_rules.audit_fee, terms.asset_rules.report_fee, read(limits, "audit_load_bps"),
    )  # fmt: skip

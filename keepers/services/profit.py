"""What a duty earns and what it costs, in the asset's smallest unit.

Gas is measured on a node (tests/gas); what a million gas costs in an asset is the owner's setting, 0 where gas is not
worth counting. Tiny batches that pay less than their gas are left alone: nobody can make a keeper pay for them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from stun.protocol import money
from stun.protocol.market.state import Batch, ReplicaState, Terms
from stun.protocol.messages import NOBODY, Bid, Order
from stun.protocol.money import MILLION
from stun.protocol.parameters import BPS, read

MATCH_GAS = {1: 180_000, 2: 230_000, 3: 280_000}
POST_GAS = 70_000
DELIVER_GAS = {2: 160_000, 3: 200_000}
SETTLE_GAS = {1: 120_000, 2: 160_000, 3: 200_000}
EXPIRE_GAS = 80_000
RESOLVE_GAS = 150_000


@dataclass(frozen=True, slots=True)
class ProfitRule:
    """When a duty is worth its gas.

    `cost_per_million_gas` by asset (smallest unit); `expected_use_bps`: the share of the ordered units that is expected
    to be paid; `least`: the profit below which nothing is done (smallest unit, may be negative for a keeper that works
    at a loss).
    """

    cost_per_million_gas: Mapping[bytes, int] = field(default_factory=dict)
    expected_use_bps: int = 5_000
    least: int = 0

    def cost(self, asset: bytes, gas: int) -> int:
        """What this much gas costs in an asset, rounded up."""
        return money.ceil_div(gas * self.cost_per_million_gas.get(asset, 0), MILLION)

    def pays(self, asset: bytes, fee: int, gas: int) -> bool:
        """Whether a fee covers its gas and the least profit."""
        return fee - self.cost(asset, gas) >= self.least


def match_fee(keeper: bytes, order: Order, bids: Sequence[Bid], rules: int, expected_use_bps: int) -> int:
    """Return what the matcher can expect of a match: its share of the bids that name it, and half of the tip."""
    ours = [bid for bid in bids if bid.matcher == keeper]
    units = order.count * order.max_units * expected_use_bps // BPS
    bps = read(rules, "match_fee_bps")
    shares = sum(money.price_of(units, bid.price) * bps // BPS for bid in ours)
    return shares + (order.tip // 2 if ours else 0)


def settle_fee(keeper: bytes, batch: Batch, expected_use_bps: int) -> int:
    """Return what a settler can expect of a batch: by the units revealed, or the order's."""
    terms = batch.terms
    guess = terms.unit_limit * expected_use_bps // BPS
    fee = 0
    for k in batch.live:
        revealed = batch.replicas[k].state == ReplicaState.REVEALED
        units = batch.dues[k] if batch.dues is not None else batch.replicas[k].total_units if revealed else guess
        fee += _settler_part(keeper, terms, k, units)
    tip = terms.tip - terms.tip // 2 if fee and not batch.tip_paid else 0
    return fee + tip


def _settler_part(keeper: bytes, terms: Terms, replica: int, units: int) -> int:
    cast = terms.casts[replica]
    paid = money.price_of(units, cast.price)
    parts = money.split(paid, terms.creator != NOBODY, terms.rule("match_fee_bps"), terms.rule("settle_fee_bps"))
    return parts.settler + (parts.matcher if cast.matcher in (NOBODY, keeper) else 0)

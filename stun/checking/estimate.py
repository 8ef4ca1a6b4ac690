"""What a dispute takes at most, before it is begun: demands, native coin and time. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from stun.chains.court import ChallengeCosts, Fees
from stun.checking.charges import Charge, Search
from stun.protocol.court.unfolding import DEPTH, TENSOR_DEPTH, height
from stun.protocol.graph.tensors import leaf_count

MARGIN_PERCENT = 125  # of a deposit is sent along: the base fee may rise before the act lands; the rest is credited


@dataclass(frozen=True, slots=True)
class Estimate:
    """At most so many demands, so many seconds until the evidence can be opened; amounts in native coin.

    `deposits` come back with a conviction and are the provider's without one; `fees` are gone either way.
    """

    demands: int
    seconds: int
    deposits: int
    fees: int

    @property
    def total(self) -> int:
        """What has to be at hand."""
        return self.deposits + self.fees


def estimate(charge: Charge | Search, fees: Fees, costs: ChallengeCosts, duties: Mapping[str, int]) -> Estimate:
    """What a charge, or a search, takes if its replica answers every demand at the last moment."""
    if isinstance(charge, Search):
        searched = _answers(height(charge.terms.count), DEPTH)
        spent = searched * (costs.demand + costs.claim) + costs.take
        return Estimate(searched, searched * duties["answer_seconds"], padded(searched * fees.demand), spent)
    demands = count_demands(charge)
    deposits = padded((demands - 1) * fees.demand + fees.trace) + padded(fees.challenge)
    spent = demands * (costs.demand + costs.claim) + costs.announcement + costs.challenge + costs.take
    seconds = demands * duties["answer_seconds"] + 2 * charge.order.task_seconds + duties["challenge_open_seconds"]
    return Estimate(demands, seconds, deposits, spent)


def count_demands(charge: Charge) -> int:
    """How many demands lead from what is published to one differing row of the largest tensor."""
    results = 0 if charge.leaf is not None else _answers(height(charge.terms.count), DEPTH)
    operators = _answers(height(len(charge.graph.operators)), DEPTH)  # the first of them is the trace's own
    rows = max(_answers(height(leaf_count(tensor.shape)), TENSOR_DEPTH) for tensor in charge.own.outputs)
    return results + operators + rows + 1


def padded(deposit: int) -> int:
    """A deposit with room for a base fee that rises."""
    return -(-deposit * MARGIN_PERCENT // 100)


def _answers(levels: int, depth: int) -> int:
    """How many answers, each so many levels deep, lead from the top of a tree to a leaf."""
    return max(1, -(-levels // depth))

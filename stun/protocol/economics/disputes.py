"""Demands: what sham ones cost who makes them, what answers cost, and that stalling does not outlast a dispute."""

from fractions import Fraction

from stun.protocol.court.unfolding import DEPTH, TENSOR_DEPTH, height
from stun.protocol.economics.cheating import detection, profit_of_nothing
from stun.protocol.economics.setting import Setting

GWEI = 10**9
DEMAND_GAS = 150_000  # of a demand's transaction, about
EXPIRE_GAS = 120_000
DISPUTE_GAS = 2_400_000  # of a dispute in which everything is withheld, measured and rounded up (docs/BENCHMARKS.md)
OPERATORS = 4_096  # of the largest graph
TENSOR_LEAVES = 2**20  # of its largest tensor


def deposit(setting: Setting, place: int = 1, trace: bool = False) -> int:
    """Return the deposit in wei of the `place`-th demand open on a replica (PROTOCOL.md section 6.6)."""
    gas = setting.value("answer_gas") * (2 if trace else 1)
    return place * (setting.value("answer_floor_gwei") * GWEI + 2 * gas * setting.basefee)


def deposits(setting: Setting, demands: int) -> int:
    """Return what so many demands open at once take in wei: the k-th costs k times the first."""
    return deposit(setting) * demands * (demands + 1) // 2


def in_money(setting: Setting, wei: int | Fraction) -> Fraction:
    """Return wei in money of the asset, at the setting's price of gas."""
    return Fraction(wei) * setting.gas_cost / setting.basefee


def profit_of_sham_demand(setting: Setting) -> Fraction:
    """Return what a demand to an honest replica earns, hoping that it is off line for the whole time of an answer.

    Answered, the deposit is the provider's in the end; unanswered, the asker has its deposit and the asker's reward.
    """
    gas = (DEMAND_GAS + setting.offline * EXPIRE_GAS) * setting.gas_cost
    lost = (1 - setting.offline) * in_money(setting, deposit(setting))
    return setting.offline * setting.duty_reward - lost - gas


def harm_of_dear_answer(setting: Setting) -> Fraction:
    """Return what an honest provider loses by answering a demand: gas at the risen base fee, less the deposit.

    Not above 0 while the deposit pays the answer.
    """
    gas = setting.value("answer_gas") * setting.basefee * setting.basefee_rise
    return in_money(setting, gas - deposit(setting))


def profit_of_false_challenge(setting: Setting) -> Fraction:
    """Return what a challenge of an honest `exact` result earns: refused, and the deposit is the provider's."""
    gas = 2 * setting.value("challenge_gas") * setting.basefee
    return -in_money(setting, setting.value("answer_floor_gwei") * GWEI + gas)


def links(count: int, operators: int = OPERATORS, tensor_leaves: int = TENSOR_LEAVES) -> int:
    """Return how many demands follow one another down to one withheld row of one task: results, trace, tensor, row."""
    results = -(-height(count) // DEPTH)
    trace = 1 + -(-max(0, height(operators) - DEPTH) // DEPTH)
    tensor = 1 + -(-max(0, height(tensor_leaves) - TENSOR_DEPTH) // TENSOR_DEPTH)
    return results + trace + tensor + 1


def links_in_window(setting: Setting) -> int:
    """Return how many answers at the last second fit into the shortest window that an order may have."""
    window = setting.value("draw_seconds") + setting.value("answer_seconds")
    return window // setting.value("answer_seconds")


def profit_of_stalling(setting: Setting) -> Fraction:
    """Return what a cheat earns, in a batch that is drawn, that withholds everything and answers at the last second.

    It escapes only if the demands that lead to its row are more than the rules allow. A link costs it an answer's gas,
    which the deposits do not give back to who is convicted.
    """
    needed = links(setting.count)
    allowed = setting.value("chain_max") if setting.follow_rule else links_in_window(setting)
    stalled = setting.draw_rate * detection(setting)
    gas = stalled * min(needed, allowed) * setting.value("answer_gas") * setting.gas_cost
    kept = stalled * (setting.lost + setting.earned) if needed > allowed else Fraction(0)
    return profit_of_nothing(setting) + kept - gas


def least_bond_for_disputes(setting: Setting) -> Fraction:
    """Return the least bond whose reward pays the gas of a whole dispute at the setting's price of gas."""
    return DISPUTE_GAS * setting.gas_cost / setting.reward_share

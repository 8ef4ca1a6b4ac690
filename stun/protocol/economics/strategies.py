"""The strategies of PROTOCOL.md section 8 by name: what each earns, how it is played, and what keeps it from paying."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

from stun.protocol.economics import account, auditing, cheating, disputes, farming, simulator, sybils
from stun.protocol.economics.setting import Setting
from stun.protocol.economics.simulator import Play
from stun.protocol.economics.turning import Guard, Profit
from stun.protocol.parameters import MAX_COUNT, PPM

PERCENT = Fraction(1, 100)
FINE = Fraction(1, 100_000)
MANY = 200_000
SOME = 20_000


@dataclass(frozen=True, slots=True)
class Strategy:
    """One way to be dishonest.

    `each` says what the profit is of; `prepare` turns a setting into the one the strategy picks; `modelled`: within the
    model of section 8, so that at the defaults its profit must not be above 0.
    """

    name: str
    told: str
    each: str
    profit: Profit
    play: Play
    guards: tuple[Guard, ...]
    plays: int = MANY
    prepare: Callable[[Setting], Setting] = lambda setting: setting
    modelled: bool = True


def _alone(setting: Setting) -> Setting:
    return replace(setting, colluding=Fraction(0))


def _never_drawn(setting: Setting) -> Setting:
    return replace(setting, reported=Fraction(0))


def _least_bond(setting: Setting) -> Setting:
    return replace(setting, audit_ppm=PPM)


def _longest_chain(setting: Setting) -> Setting:
    return replace(setting, count=MAX_COUNT)


def _none(name: str, step: Fraction = Fraction(1)) -> Guard:
    return Guard(name, Fraction(0), step)


def _all(name: str, step: Fraction = PERCENT) -> Guard:
    return Guard(name, Fraction(1), step)


_DRAWN = (_none("bond_margin"), _all("reward_share"), _none("reported", PERCENT), _none("audit_tasks"))
_BOUGHT = (
    Guard("bond_margin", Fraction(0), enough=Fraction(1_000)),
    Guard("auditors", Fraction(0), enough=Fraction(7)),
)
_DRAINED = (
    Guard("audit_load_bps", Fraction(0), enough=Fraction(100_000)),
    _none("counts_report_fee"),
    Guard("colluding", Fraction(1), PERCENT, enough=Fraction(0)),
)
_SHAM = (_all("offline"), Guard("duty_share", Fraction(8), PERCENT), _all("duty_by_bond", Fraction(1)))
_SEATED = (*_DRAWN, _none("auditors"), _all("colluding"))

STRATEGIES: tuple[Strategy, ...] = (
    Strategy(
        "computes nothing", "a provider posts garbage and hopes not to be drawn", "batch",
        cheating.profit_of_nothing, simulator.play_nothing, (*_DRAWN, _none("auditors")), prepare=_alone,
    ),
    Strategy(
        "colluding seats", "the same, and a share of all seats is its own and confirms", "batch",
        cheating.profit_of_nothing, simulator.play_nothing, _SEATED,
    ),
    Strategy(
        "one wrong task", "a provider computes all tasks but one", "batch",
        lambda setting: cheating.profit_of_share(setting, 1), simulator.play_one_task, _SEATED,
    ),
    Strategy(
        "two of two replicas", "two replicas of one owner agree on garbage", "batch",
        sybils.profit_of_two_of_two, simulator.play_two_of_two, _SEATED,
    ),
    Strategy(
        "sybil, 1 against 1", "a requester's own replica posts garbage, so that the honest one is unpaid (rate 1)",
        "batch", sybils.profit_of_one_against_one, simulator.play_one_against_one,
        (_none("defended", PERCENT), _none("min_bond_bps")), SOME, _least_bond,
    ),
    Strategy(
        "sybils, 2 against 1", "two replicas of one owner outvote an honest one, and no draw is ever shown",
        "batch", sybils.profit_of_two_against_one, simulator.play_two_against_one, (_none("defended", FINE),), SOME,
        _never_drawn,
    ),
    Strategy(
        "requester and 2 against 1", "the same, by the requester, who has the honest one's work for nothing",
        "batch", sybils.profit_of_requester_and_two, simulator.play_requester_and_two, (_none("defended", FINE),), SOME,
        _never_drawn,
    ),
    Strategy(
        "self-slashing", "a cheat is convicted by its accomplice, who takes the reward (audit rate 1: the least bond)",
        "batch", cheating.profit_of_self_slashing, simulator.play_self_slashing,
        (Guard("reward_share", Fraction(2), PERCENT),), 2, _least_bond,
    ),
    Strategy(
        "stalling", "a drawn cheat answers each demand at the last second (65,536 tasks)", "batch",
        disputes.profit_of_stalling, simulator.play_stalling, (_none("chain_max"), _none("follow_rule")),
        prepare=_longest_chain,
    ),
    Strategy(
        "copying seat", "a drawn seat confirms the provider's leaves without running them", "audit",
        auditing.profit_of_copying, simulator.play_copying, (_none("canaries", FINE),),
    ),
    Strategy(
        "blind seat", "a drawn seat says that it agrees with results it has not seen", "audit",
        auditing.profit_of_agreeing_blindly, simulator.play_blind, (_none("shown", FINE),), SOME,
    ),
    Strategy(
        "silent seat", "a drawn seat does nothing at all", "audit",
        auditing.profit_of_silence, simulator.play_silence, (Guard("seat_cost", Fraction(100), PERCENT),), 2,
    ),
    Strategy(
        "canary told", "the provider of a canary tells an accomplice, who takes the reward", "canary",
        auditing.profit_of_tipping_off, simulator.play_tipping_off, (_all("refunds_whole_bond", Fraction(1)),), 2,
    ),
    Strategy(
        "self-orders for shares", "a coalition orders from itself, audits itself and reports the draws",
        "order", account.profit_of_draining, simulator.play_draining,
        _DRAINED, SOME, account.worst_to_drain,
    ),
    Strategy(
        "bought reputation", f"an account buys reputation 0.95, then cheats in {farming.BATCHES_AFTER:,} batches",
        "identity", farming.profit_of_farming, simulator.play_farming, (_none("floor_rule"), _none("bond_margin")), 200,
    ),
    Strategy(
        "sham demand", "a demand to an honest provider, in the hope that it is off line", "demand",
        disputes.profit_of_sham_demand, simulator.play_sham_demand, _SHAM, SOME,
    ),
    Strategy(
        "dear answers", "a demand while gas is cheap, so that the answer costs its provider more than the deposit",
        "demand", disputes.harm_of_dear_answer, simulator.play_dear_answer,
        (Guard("basefee_rise", Fraction(100), PERCENT),), 2,
    ),
    Strategy(
        "false challenge", "a challenge of a right result", "challenge",
        disputes.profit_of_false_challenge, simulator.play_false_challenge, (), 2,
    ),
    Strategy(
        "bought seats", "a drawn cheat buys every seat at the reward it gives up (beyond the model)", "batch",
        cheating.profit_of_bribing_seats, simulator.play_bribing_seats, _BOUGHT, prepare=_alone, modelled=False,
    ),
)  # fmt: skip

"""The strategies played out, batch by batch, with the audit's own draws of batches, tasks and seats.

A play returns what one batch, audit or identity earned the coalition above honest work, in whole amounts. Nothing here
uses a formula of the rooms beside it, but for what a rule of the protocol itself computes (bond, share, prepayment).
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from random import Random

from stun.protocol.audit.draws import drawn_seats, drawn_tasks, is_drawn
from stun.protocol.economics.account import GAS_OF_A_DRAW, GAS_OF_A_LIFE, prepaid
from stun.protocol.economics.disputes import DEMAND_GAS, EXPIRE_GAS, GWEI, deposit, in_money, links, links_in_window
from stun.protocol.economics.farming import BATCHES_AFTER, TRUSTED, self_order
from stun.protocol.economics.setting import Setting
from stun.protocol.reputation import Reputation, earned

Play = Callable[[Setting, Random], int]


@dataclass(frozen=True, slots=True)
class Estimate:
    """The mean of many plays and its standard error, in the asset's smallest unit."""

    mean: float
    error: float
    plays: int


def estimate(play: Play, setting: Setting, seed: int, plays: int) -> Estimate:
    """Play so many times from one seed. Errors: ValueError (fewer than two plays)."""
    if plays < 2:
        raise ValueError("fewer than two plays")
    rng, total, squares = Random(seed), 0, 0
    for _ in range(plays):
        earned_now = play(setting, rng)
        total += earned_now
        squares += earned_now * earned_now
    mean = total / plays
    spread = max(0.0, squares / plays - mean * mean) * plays / (plays - 1)
    return Estimate(mean, sqrt(spread / plays), plays)


@dataclass(frozen=True, slots=True)
class Drawn:
    """The tasks and the seats of a drawn batch."""

    tasks: tuple[int, ...]
    places: tuple[int, ...]


def draw(setting: Setting, rng: Random) -> Drawn | None:
    """Draw a batch as the protocol does; None if it is not drawn, or nobody shows it."""
    randomness, batch_id = rng.randbytes(32), rng.randbytes(32)
    if not is_drawn(randomness, batch_id, setting.audit_ppm) or rng.random() >= setting.reported:
        return None
    return audited(setting, randomness, batch_id)


def audited(setting: Setting, randomness: bytes, batch_id: bytes) -> Drawn:
    """Return what a round's randomness picks in a batch that is drawn."""
    tasks = drawn_tasks(randomness, batch_id, setting.count, setting.value("audit_tasks"))
    return Drawn(tasks, drawn_seats(randomness, batch_id, setting.seats, setting.auditors, lambda _: True))


def cheat(setting: Setting, rng: Random, wrong: int) -> int:
    """Play one replica that computes nothing for its first `wrong` tasks. Seats below `colluding_seats` are its own."""
    gain = setting.saved * wrong // setting.count
    found = draw(setting, rng) if wrong else None
    if found is None:
        return gain
    honest = any(place >= setting.colluding_seats for place in found.places)
    if not honest:
        return gain + len(found.places) * setting.seat_work
    if not any(task < wrong for task in found.tasks):
        return gain
    bond = setting.bond
    accomplice = min(setting.asset.reward_cap, int(bond * setting.reward_share))
    return gain - setting.earned - bond + accomplice


def play_nothing(setting: Setting, rng: Random) -> int:
    """A provider computes nothing; its own seats confirm."""
    return cheat(setting, rng, setting.count)


def play_one_task(setting: Setting, rng: Random) -> int:
    """A provider computes all tasks but one."""
    return cheat(setting, rng, 1)


def play_two_of_two(setting: Setting, rng: Random) -> int:
    """Two replicas of one owner post one wrong root; one draw decides about both."""
    return 2 * cheat(setting, rng, setting.count)


def play_one_against_one(setting: Setting, rng: Random) -> int:
    """A requester's own replica posts garbage beside an honest one, which goes to court or not."""
    return -setting.bond if rng.random() < setting.defended else setting.locked


def play_two_against_one(setting: Setting, rng: Random) -> int:
    """Two sybils outvote an honest replica, which goes to court or not; if not, the draw decides."""
    if rng.random() < setting.defended:
        return 2 * (setting.saved - setting.earned - setting.bond)
    return 2 * cheat(setting, rng, setting.count)


def play_bribing_seats(setting: Setting, rng: Random) -> int:
    """A provider computes nothing and buys each drawn seat at the reward that it gives up."""
    found = draw(setting, rng)
    return setting.saved - (len(found.places) * setting.reward if found else 0)


def play_self_slashing(setting: Setting, rng: Random) -> int:
    """A cheat is convicted by its accomplice at once."""
    return min(setting.asset.reward_cap, int(setting.bond * setting.reward_share)) - setting.bond


def play_copying(setting: Setting, rng: Random) -> int:
    """A seat confirms what it has not run. At a canary the first of the seats that work has the reward."""
    if rng.random() >= setting.canaries:
        return setting.seat_work
    forgone = setting.reward if rng.randrange(setting.auditors) == 0 else 0
    return setting.seat_work - setting.share - setting.seat_bond - forgone


def play_blind(setting: Setting, rng: Random) -> int:
    """A seat claims to agree with results it has not seen; somebody shows them or not."""
    return setting.seat_work - (setting.share + setting.seat_bond if rng.random() < setting.shown else 0)


def play_silence(setting: Setting, rng: Random) -> int:
    """A drawn seat does nothing."""
    return setting.seat_work - setting.share - setting.seat_bond * setting.value("seat_silence_bps") // 10_000


def play_tipping_off(setting: Setting, rng: Random) -> int:
    """A canary's provider tells an accomplice, who has it convicted."""
    accomplice = min(setting.asset.reward_cap, int(setting.bond * setting.reward_share))
    really_lost = setting.bond if setting.refunds_whole_bond else setting.bond - accomplice
    return accomplice - setting.bond + really_lost


def play_requester_and_two(setting: Setting, rng: Random) -> int:
    """A requester outvotes the honest replica with two of its own, and has the work that it does not pay."""
    if rng.random() < setting.defended:
        return -2 * setting.bond
    unpaid = setting.locked - 2 * (setting.locked - setting.earned)
    found = draw(setting, rng)
    return unpaid if found is None else unpaid - 2 * setting.lost


def play_draining(setting: Setting, rng: Random) -> int:
    """A coalition orders from itself to be audited and to report it."""
    spent = prepaid(setting) + int(GAS_OF_A_LIFE * setting.gas_cost)
    found = draw(setting, rng)
    if found is None:
        return -spent
    own = sum(place < setting.colluding_seats for place in found.places)
    return own * setting.share + setting.asset.report_fee - spent - int(GAS_OF_A_DRAW * setting.gas_cost)


def play_farming(setting: Setting, rng: Random) -> int:
    """An account orders from itself until it is trusted, then cheats in batch after batch."""
    order = self_order(setting)
    each = order.locked - order.earned + prepaid(order) + int(GAS_OF_A_LIFE * setting.gas_cost)
    held, profit = Reputation(), 0
    while held.value < TRUSTED:
        held = earned(held, order.locked, setting.asset.reference_fee, setting.value("alpha_ppm"), 0)
        profit -= each
    for _ in range(BATCHES_AFTER):
        profit += cheat(setting, rng, setting.count) if setting.floor_rule else setting.saved
    return profit


def play_sham_demand(setting: Setting, rng: Random) -> int:
    """Somebody demands of an honest provider, which answers, or is off line for the whole time."""
    gas = int(DEMAND_GAS * setting.gas_cost)
    if rng.random() < setting.offline:
        return setting.duty_reward - gas - int(EXPIRE_GAS * setting.gas_cost)
    return -gas - int(in_money(setting, deposit(setting)))


def play_dear_answer(setting: Setting, rng: Random) -> int:
    """An honest provider answers a sham demand at a base fee that has risen since."""
    return int(in_money(setting, setting.value("answer_gas") * int(setting.basefee * setting.basefee_rise))) - int(
        in_money(setting, deposit(setting))
    )


def play_false_challenge(setting: Setting, rng: Random) -> int:
    """Somebody challenges a right result and loses the deposit."""
    wei = setting.value("answer_floor_gwei") * GWEI + 2 * setting.value("challenge_gas") * setting.basefee
    return -int(in_money(setting, wei))


def play_stalling(setting: Setting, rng: Random) -> int:
    """A drawn cheat withholds everything and answers at the last second, as often as it may be asked."""
    found, gain = draw(setting, rng), setting.saved
    if found is None:
        return gain
    if all(place < setting.colluding_seats for place in found.places):
        return gain + len(found.places) * setting.seat_work
    allowed = setting.value("chain_max") if setting.follow_rule else links_in_window(setting)
    asked = min(allowed, links(setting.count))
    gain -= int(asked * setting.value("answer_gas") * setting.gas_cost)
    return gain if asked < links(setting.count) else gain - setting.earned - setting.lost


def play_ruin(setting: Setting, rng: Random, seed: int, orders: int) -> bool:
    """Whether an audit account with a seed (money) runs dry within so many orders of one kind."""
    held, paid_in, cost = seed, prepaid(setting), setting.auditors * setting.share + setting.asset.report_fee
    rate = float(setting.draw_rate)
    for _ in range(orders):
        held += paid_in
        if rng.random() < rate:
            held -= cost
        if held < 0:
            return True
    return False

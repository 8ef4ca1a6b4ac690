"""Governed parameters: their layout in packed words, defaults, bounds, and the rules between them.

A config version is an immutable set of these values. Words are packed least significant field first, so that a
contract reads in one slot what one step needs; a batch carries the `rules` and asset word it opened under, and a later
version never touches it. Units: seconds, basis points (1/10,000), parts per million, or the smallest unit of an asset.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from stun.protocol.errors import require

BPS = 10_000
PPM = 1_000_000
DAY_SECONDS = 86_400
WEEK_SECONDS = 604_800
MAX_ORDER_SECONDS = 90 * DAY_SECONDS
MAX_COUNT = 65_536
MAX_REPLICAS = 3
MAX_PROVIDERS = 65_536  # in an order's list
PROVIDER_BPS = 8_000
CREATOR_BPS = 500
MAX_KEEPER_BPS = 1_000
MODEL_RELEASE_SECONDS = 7 * DAY_SECONDS
U64 = 2**64 - 1


class NumericClass(IntEnum):
    """How the results of a model are compared."""

    EXACT = 0
    BOUNDED = 1
    TOKEN = 2
    OPAQUE = 3


@dataclass(frozen=True, slots=True)
class Parameter:
    """One governed value: which word holds it, how wide it is in bits, its default and its bounds.

    `max_step` is the largest change of one version and `cooldown` the seconds between two changes; a development
    network replaces bounds and defaults, never the layout.
    """

    name: str
    word: str
    bits: int
    default: int
    minimum: int
    maximum: int
    max_step: int
    cooldown: int = DAY_SECONDS


def _seconds(name: str, word: str, default: int, minimum: int, maximum: int, bits: int = 24) -> Parameter:
    return Parameter(name, word, bits, default, minimum, maximum, max(1, (maximum - minimum) // 2))


def _rate(name: str, word: str, bits: int, default: int, minimum: int, maximum: int) -> Parameter:
    return Parameter(name, word, bits, default, minimum, maximum, max(1, (maximum - minimum) // 4))


@dataclass(frozen=True, slots=True)
class Bound:
    """What no version of a config may leave: a value's bounds, its largest step, the seconds between two changes."""

    minimum: int
    maximum: int
    max_step: int
    cooldown: int


_HOUR = 3_600
_STUN = 10**9

PARAMETERS: tuple[Parameter, ...] = (
    _seconds("reveal_seconds", "rules", 1_800, 600, 6 * _HOUR),
    _seconds("resolve_seconds", "rules", 4 * _HOUR, _HOUR, DAY_SECONDS),
    _seconds("max_hold", "rules", 3 * DAY_SECONDS, 2 * DAY_SECONDS, 6 * DAY_SECONDS),
    _rate("match_fee_bps", "rules", 16, 200, 0, 500),
    _rate("settle_fee_bps", "rules", 16, 50, 10, 300),
    _rate("silence_bps", "rules", 16, 1_000, 100, 5_000),
    _rate("withdraw_bps", "rules", 16, 200, 0, 5_000),
    _rate("stake_slash_bps", "rules", 16, 1_000, 100, 5_000),
    _rate("silence_slash_bps", "rules", 16, 100, 0, 1_000),
    _rate("alpha_ppm", "rules", 24, 10_000, 1_000, 100_000),
    _rate("beta_ppm", "rules", 24, 200_000, 10_000, PPM),
    _rate("floor_ppm_exact", "limits", 24, 10_000, 1_000, PPM),
    _rate("floor_ppm_bounded", "limits", 24, 10_000, 1_000, PPM),
    _rate("floor_ppm_token", "limits", 24, 10_000, 1_000, PPM),
    _rate("auditors", "limits", 8, 0, 0, 7),
    _rate("audit_tasks", "limits", 8, 8, 4, 16),
    _rate("audit_load_bps", "limits", 16, 11_000, 10_000, 20_000),
    _rate("min_bond_bps", "limits", 24, 10_000, 5_000, PPM),
    _rate("bond_margin", "limits", 16, 200, 134, 1_000),
    _rate("opaque_bond_bps", "limits", 16, 5_000, 1_000, 20_000),
    _rate("min_stake", "limits", 64, 100 * _STUN, 1, 1_000_000 * _STUN),
    _seconds("min_post_seconds", "times", 60, 1, _HOUR),
    _seconds("max_post_seconds", "times", DAY_SECONDS, _HOUR, DAY_SECONDS),
    _seconds("max_task_seconds", "times", _HOUR, 60, _HOUR),
    _seconds("max_challenge_seconds", "times", 2 * DAY_SECONDS, 12 * _HOUR, 2 * DAY_SECONDS),
    _seconds("draw_seconds", "times", _HOUR, 900, 6 * _HOUR),
    _seconds("answer_seconds", "times", 4 * _HOUR, _HOUR, 12 * _HOUR),
    _seconds("unbonding_seconds", "times", 14 * DAY_SECONDS, 7 * DAY_SECONDS, 30 * DAY_SECONDS, 32),
    _rate("model_bond", "times", 64, 10 * _STUN, 1, 10_000 * _STUN),
    _seconds("follow_seconds", "duties", _HOUR, 1_200, 4 * _HOUR),
    _rate("chain_max", "duties", 8, 12, 12, 16),
    _seconds("challenge_open_seconds", "duties", 900, 300, _HOUR),
    _seconds("audit_seconds", "duties", _HOUR, 900, 12 * _HOUR),
    _seconds("seat_reveal_seconds", "duties", _HOUR, 900, 6 * _HOUR),
    _rate("seat_silence_bps", "duties", 16, 500, 100, 5_000),
    _rate("answer_floor_gwei", "duties", 40, 10_000, 1, 1_000_000_000),
    _rate("answer_gas", "duties", 24, 300_000, 50_000, 3_000_000),
    _rate("challenge_gas", "duties", 24, 600_000, 100_000, 6_000_000),
    _rate("seat_bond", "duties", 48, 5_000 * _STUN, 1, 200_000 * _STUN),
)
WORDS = ("rules", "limits", "times", "duties")
BY_NAME: dict[str, Parameter] = {p.name: p for p in PARAMETERS}
VERSION_BITS = 16
VERSION_SHIFT = 240  # the config version rides on top of the rules word


def _shifts() -> dict[str, int]:
    used = dict.fromkeys(WORDS, 0)
    shifts = {}
    for parameter in PARAMETERS:
        shifts[parameter.name] = used[parameter.word]
        used[parameter.word] += parameter.bits
    assert used["rules"] <= VERSION_SHIFT, "the layout does not fit its rules word"
    assert max(used.values()) <= 256, "the layout does not fit its words"
    return shifts


SHIFTS: dict[str, int] = _shifts()
ASSET_FIELDS = ("min_locked", "min_bond", "reward_cap", "reference_fee")
AUDIT_FIELDS = ("audit_fee", "report_fee", "audit_cover")


@dataclass(frozen=True, slots=True)
class AssetRules:
    """What the config says of one asset, each a u64 in the asset's smallest unit.

    `min_locked`: least price a replica locks; `min_bond`: least bond; `reward_cap`: most a challenger is paid;
    `reference_fee`: the payment that earns a full step of reputation; `audit_fee`: what a seat is paid on top of the
    price of the tasks it runs again; `report_fee`: what who shows that a batch is drawn is paid; `audit_cover`: the
    most that the audit of one batch may cost, so that no batch is larger than what can be audited.
    """

    min_locked: int
    min_bond: int
    reward_cap: int
    reference_fee: int
    audit_fee: int = 0
    report_fee: int = 0
    audit_cover: int = 0

    def word(self) -> int:
        """Return the packed asset word, which a batch's terms carry."""
        return sum(getattr(self, name) << (64 * i) for i, name in enumerate(ASSET_FIELDS))

    def audit_word(self) -> int:
        """Return the packed audit word: audit_fee, report_fee, audit_cover."""
        return sum(getattr(self, name) << (64 * i) for i, name in enumerate(AUDIT_FIELDS))


def asset_rules_from_word(word: int, audit_word: int = 0) -> AssetRules:
    """Unpack an asset word and an audit word."""
    amounts = {name: (word >> (64 * i)) & U64 for i, name in enumerate(ASSET_FIELDS)}
    audit = {name: (audit_word >> (64 * i)) & U64 for i, name in enumerate(AUDIT_FIELDS)}
    return AssetRules(**amounts, **audit)


def defaults() -> dict[str, int]:
    """Return the default value of every parameter by name."""
    return {p.name: p.default for p in PARAMETERS}


def production_bounds() -> tuple[Bound, ...]:
    """Return the bounds of a production network in the order of PARAMETERS."""
    return tuple(Bound(p.minimum, p.maximum, p.max_step, p.cooldown) for p in PARAMETERS)


_DEVELOPMENT_VALUES = {
    "reveal_seconds": 60,
    "resolve_seconds": 120,
    "max_hold": _HOUR,
    "min_post_seconds": 1,
    "max_post_seconds": _HOUR,
    "max_task_seconds": 900,
    "max_challenge_seconds": _HOUR,
    "draw_seconds": 10,
    "answer_seconds": 10,
    "unbonding_seconds": 4 * _HOUR,
    "follow_seconds": 10,
    "challenge_open_seconds": 10,
    "audit_seconds": 20,
    "seat_reveal_seconds": 20,
}


def development() -> tuple[dict[str, int], tuple[Bound, ...]]:
    """Return values with short windows, and bounds that let a development network change any value at any time.

    Windows are in seconds; what is not shortened keeps its default. The upper bounds are those of production.
    """
    bounds = tuple(Bound(min(p.minimum, 1), p.maximum, p.maximum, 0) for p in PARAMETERS)
    return defaults() | _DEVELOPMENT_VALUES, bounds


def pack(values: Mapping[str, int], version: int = 0) -> dict[str, int]:
    """Return the packed words {rules, limits, times, duties} of a complete set of values."""
    words = dict.fromkeys(WORDS, 0)
    for parameter in PARAMETERS:
        value = values[parameter.name]
        require(0 <= value < 1 << parameter.bits, "config: width")
        words[parameter.word] |= value << SHIFTS[parameter.name]
    words["rules"] |= version << VERSION_SHIFT
    return words


def read(word: int, name: str) -> int:
    """Return the value of a parameter out of its packed word."""
    return (word >> SHIFTS[name]) & ((1 << BY_NAME[name].bits) - 1)


def version_of(rules: int) -> int:
    """Return the config version that a rules word was published as."""
    return rules >> VERSION_SHIFT


def check_relations(values: Mapping[str, int]) -> None:
    """Refuse values that break a rule between parameters.

    Errors: "config: keepers" (both keeper fees above 10 %), "config: withdraw" (leaving costs more than silence),
    "config: unbonding" (stake could leave before the longest batch ends), "config: window" (an order could not keep
    its challenge window), "config: post", "config: hold" (an audit and a whole chain of demands after it would not fit
    into the longest hold).
    """
    require(values["match_fee_bps"] + values["settle_fee_bps"] <= MAX_KEEPER_BPS, "config: keepers")
    require(values["withdraw_bps"] <= values["silence_bps"], "config: withdraw")
    longest = (
        values["max_post_seconds"]
        + values["reveal_seconds"]
        + values["max_challenge_seconds"]
        + values["max_hold"]
        + values["resolve_seconds"]
    )
    require(values["unbonding_seconds"] > longest, "config: unbonding")
    shortest = values["draw_seconds"] + values["answer_seconds"] + 2
    require(values["max_challenge_seconds"] >= shortest, "config: window")
    require(values["max_post_seconds"] >= values["min_post_seconds"], "config: post")
    links = values["chain_max"] * (values["answer_seconds"] + values["follow_seconds"])
    audit = values["audit_seconds"] + values["seat_reveal_seconds"] + values["challenge_open_seconds"]
    require(values["max_hold"] >= audit + 2 * values["max_task_seconds"] + links, "config: hold")

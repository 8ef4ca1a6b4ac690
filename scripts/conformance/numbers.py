"""Vectors of the formulas: prices, splits, bonds, prepayments, reputation, and the packed words of the config."""

from collections.abc import Callable
from typing import Any

from scripts.conformance.encoding import encode, outcome
from stun.protocol import money, reputation
from stun.protocol.parameters import DAY_SECONDS, PARAMETERS, PPM, SHIFTS, U64, AssetRules, defaults, development, pack
from stun.protocol.reputation import Reputation

DAY = 20_000


def money_vectors() -> dict[str, Any]:
    """Return the money formulas at ordinary values, at every bound, and just beyond."""
    locked: list[tuple[Any, ...]] = [
        (1, 1, 1),
        (1, 1, 10**6),
        (3, 7, 333_333),
        (65_536, 2**32 - 1, 65_536),
        (65_536, 2**32 - 1, U64),
        (1, 1, 0),
    ]
    earned: list[tuple[Any, ...]] = [
        (0, U64),
        (1, 999_999),
        (1, 10**6),
        (300, 10**10),
        (2**48, 65_536 * 10**6),
        (U64, U64),
    ]
    splits: list[tuple[Any, ...]] = [
        (paid, creator, 200, 50)
        for paid in (0, 1, 3, 99, 10_000, 2_999_999, U64)
        for creator in (True, False)
    ] + [(999, True, 500, 300), (999, False, 0, 10)]  # fmt: skip
    bonds: list[tuple[Any, ...]] = [
        (price, ppm, least, 10_000, 150)
        for price, ppm in ((1, PPM), (4_000_000, 500_000), (999_999, 10_000), (1, 1), (U64, PPM), (U64, 10_000))
        for least in (1, 10**9)
    ] + [(4_000_000, PPM, 1, 5_000, 134), (4_000_001, PPM, 1, 5_001, 100)]  # fmt: skip
    opaque: list[tuple[Any, ...]] = [(4_000_001, 1, 5_000), (1, 10**9, 5_000), (U64, 1, 20_000), (0, 1, 1_000)]
    functions: dict[Callable[..., Any], list[tuple[Any, ...]]] = {
        money.price_locked: locked, money.price_of: earned, money.split: splits, money.bond: bonds,
        money.opaque_bond: opaque, money.seat_share: _seat_shares(), money.audit_cost: _audit_costs(),
        money.audit_prepaid: _prepayments(),
    }  # fmt: skip
    return {
        function.__name__: [{"arguments": encode(case), **outcome(function, *case)} for case in cases]
        for function, cases in functions.items()
    }


def _seat_shares() -> list[tuple[Any, ...]]:
    return [(4_000_000, 4, 8, 10**7), (999_999, 1_000, 8, 0), (1, 65_536, 16, 1), (U64, 8, 4, U64)]


def _prepayments() -> list[tuple[Any, ...]]:
    return [
        (dearest, count, ppm, auditors, 8, 10**7, 10**6, 11_000)
        for dearest, count in ((4_000_000, 4), (999_999, 1_000), (1, 65_536), (U64, 8))
        for ppm, auditors in ((0, 2), (10_000, 0), (10_000, 2), (PPM, 7))
    ]  # fmt: skip


def _audit_costs() -> list[tuple[Any, ...]]:
    batches = ((4_000_000, 4), (999_999, 1_000), (1, 65_536), (U64, 8))
    return [(dearest, count, auditors, 8, 10**7, 10**6) for dearest, count in batches for auditors in (0, 1, 7)]


def reputation_vectors() -> dict[str, Any]:
    """Return the decay table and sequences of what happens to one provider."""
    scores = [
        (value, days, reputation.score(Reputation(value, DAY), (DAY + days) * DAY_SECONDS))
        for value in (0, 1, 7, 500_000, 10**6)
        for days in (0, 1, 29, 30, 31, 60, 599, 600, 10_000)
    ]
    return {"decay": encode(reputation.DECAY), "scores": encode(scores), "sequence": _sequence(), "refused": _refused()}


def _sequence() -> list[dict[str, Any]]:
    steps: list[tuple[str, int, tuple[int, ...]]] = [
        ("earned", 0, (10**9, 10**9, 10_000)), ("earned", 0, (U64, 10**9, 10_000)),
        ("earned", 3_600, (1, 10**9, 10_000)),
        ("earned", DAY_SECONDS, (5 * 10**8, 10**9, 100_000)), ("silent", 29 * DAY_SECONDS, (200_000,)),
        ("silent", DAY_SECONDS - 1, (PPM,)), ("earned", 5, (10**9, 1, PPM)), ("convicted", 30 * DAY_SECONDS, ()),
        ("earned", 7 * DAY_SECONDS, (123_456_789, 10**9, 54_321)), ("silent", 45 * DAY_SECONDS, (10_000,)),
    ]  # fmt: skip
    record, now, said = Reputation(), DAY * DAY_SECONDS, []
    for name, later, arguments in steps:
        now += later
        record = getattr(reputation, name)(record, *arguments, now)
        said.append({"step": name, "arguments": encode(arguments), "now": encode(now), "record": encode(record)})
    return said


def _refused() -> list[dict[str, Any]]:
    cases: list[tuple[str, tuple[int, ...]]] = [
        ("earned", (1, 0, 1)), ("earned", (1, 1, PPM + 1)), ("silent", (PPM + 1,)),
    ]  # fmt: skip
    return [
        {"step": name, "arguments": encode(args), **outcome(getattr(reputation, name), Reputation(), *args, 0)}
        for name, args in cases
    ]


def config_vectors() -> dict[str, Any]:
    """Return the layout of the governed parameters, and packed words of both networks' values and of an asset."""
    layout = [{"name": p.name, "word": p.word, "bits": str(p.bits), "shift": str(SHIFTS[p.name])} for p in PARAMETERS]
    networks = {"production": defaults(), "development": development()[0]}
    packed = {
        name: {"values": encode(values), "version": "7", "words": encode(pack(values, 7))}
        for name, values in networks.items()
    }
    rules = AssetRules(1, 2, 3, U64, 5, 6, U64)
    words = {"word": encode(rules.word()), "audit_word": encode(rules.audit_word())}
    return {"layout": layout, "networks": packed, "asset": {"rules": encode(rules), **words}}

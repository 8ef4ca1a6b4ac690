"""Vectors of the beacon: real and development rounds, hashes to the curve, what is refused, and which round decides."""

from typing import Any

from scripts.conformance.encoding import encode, number, outcome
from stun.protocol.beacon import bls
from stun.protocol.beacon.bn254 import P, PointG1, negated
from stun.protocol.beacon.hash_to_curve import hash_to_field, map_to_curve
from stun.protocol.beacon.networks import (
    DEVELOPMENT_SECRET,
    EVMNET_KEY,
    development_key,
    development_schedule,
    evmnet_schedule,
)
from stun.protocol.beacon.rounds import AHEAD_SECONDS, MAX_GENESIS, MAX_STEP, Schedule

# Public data: signatures that drand's evmnet published.
REAL_ROUNDS = {
    1: "11f812d738a36b2210dc88c2d635ad8039588205f42445d6de09e6530165c346"
    "2a23aca348c84badcf8df5321ac24577b7963d5b0d780bc4626baedb45cde373",
    513: "06ded8c05af23042a0caf9b404c6140f9ec64adbaf82f04d5c37153e8412ed58"
    "0f827c7d5ac7d02ca0bbd989d07594729bdcde7d6dc1001191c59dc9033d31b2",
    12_345_678: "1f82751a21ca166dcc2c804ddd5846cb5f0f8f4ded7e93a8ec9b34cdc885d99a"
    "26353f2dbf384155cc898695316de8ce942f167a0faf3906ca066ebc7200aa86",
    20_000_000: "1ad7a10ece71f082a5c931983eca674ecb297b22f9396cde3a5015b9d9179541"
    "1f11d5de506f74f17645ac04a2fe6b53458a123f66e2fcb1e2ab86cb8c2d5409",
}
REAL_SIGNATURES = {place: bytes.fromhex(text) for place, text in REAL_ROUNDS.items()}
DEVELOPMENT_ROUNDS = (2, 4, 16, 18, 20, 22, 26, 28, 66, 2**64 - 1)  # every pair of candidates, and the last
_ELEMENTS = (0, 1, 2, P - 1, (P + 1) // 2, (P - 1) // 2, 2**128, *(number(f"element {i}", P) for i in range(9)))
_ROUND = 513


def beacon_vectors() -> dict[str, Any]:
    """Return everything that an implementation of the beacon has to agree on."""
    return {
        "evmnet": {"scheme": bls.SCHEME, "key": encode(EVMNET_KEY), "schedule": encode(evmnet_schedule())},
        "development": {"key": encode(development_key()), "schedule": encode(development_schedule())},
        "ahead_seconds": encode(AHEAD_SECONDS),
        "rounds": [_round("evmnet", *pair) for pair in REAL_SIGNATURES.items()]
        + [_round("development", place, bls.sign(DEVELOPMENT_SECRET, place)) for place in DEVELOPMENT_ROUNDS],
        "maps": [{"element": encode(element), "point": encode(map_to_curve(element))} for element in _ELEMENTS],
        "refused": [_refused(*case) for case in _forgeries()],
        "due_rounds": [_due(*case) for case in _clocks()],
    }


def _round(network: str, place: int, signature: bytes) -> dict[str, Any]:
    return {
        "network": network, "round": encode(place), "elements": encode(hash_to_field(bls.message(place))),
        "signature": encode(signature), "randomness": encode(bls.randomness(signature)),
    }  # fmt: skip


def _forgeries() -> list[tuple[str, int, bytes]]:
    signature = REAL_SIGNATURES[_ROUND]
    x, y = (int.from_bytes(signature[at : at + 32], "big") for at in (0, 32))
    return [
        ("another round", _ROUND + 1, signature), ("negated", _ROUND, _joined(negated((x, y)))),
        ("another key's", _ROUND, bls.sign(DEVELOPMENT_SECRET, _ROUND)), ("x above P", _ROUND, _joined((x + P, y))),
        ("y above P", _ROUND, _joined((x, y + P))), ("swapped", _ROUND, _joined((y, x))), ("zero", _ROUND, bytes(64)),
        ("off the curve", _ROUND, _joined((x, y ^ 1))), ("truncated", _ROUND, signature[:-1]),
        ("longer", _ROUND, signature + b"\0"), ("round 0", 0, signature),
        ("round of 65 bits", 2**64 + _ROUND, signature),
    ]  # fmt: skip


def _refused(forgery: str, place: int, signature: bytes) -> dict[str, Any]:
    answer = outcome(bls.verify, EVMNET_KEY, place, signature)
    return {"forgery": forgery, "round": encode(place), "signature": encode(signature), **answer}


def _clocks() -> list[tuple[Schedule, int, int]]:
    real, own = evmnet_schedule(), development_schedule()
    at = real.due_at(20_000_000)
    return [
        *((real, at - 60 + seconds, 0) for seconds in (-300, -1, 0, 1, 299, 300)),
        *((real, at - 60, newest) for newest in (19_999_900, 20_000_000, 20_000_100, 20_028_800)),
        (real, 0, 0), (real, real.genesis - 60, 0), (real, real.genesis - 59, 0), (real, real.genesis + 237, 0),
        *((own, own.genesis + seconds, 0) for seconds in (-3, -2, -1, 0, 1, 2)),
        (Schedule(2, 1, 1, 1), 0, 0), (Schedule(2, 1, 1, 1), 2, 7), (Schedule(MAX_GENESIS, *(MAX_STEP,) * 3), 2**41, 0),
    ]  # fmt: skip


def _due(schedule: Schedule, now: int, newest: int) -> dict[str, Any]:
    fields = {"schedule": encode(schedule), "now": encode(now), "newest": encode(newest)}
    return fields | {"due_round": encode(schedule.due_round(now, newest))}


def _joined(point: PointG1) -> bytes:
    return b"".join(word.to_bytes(32, "big") for word in point)

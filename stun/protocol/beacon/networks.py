"""The networks that rounds come from: drand's evmnet, and a development network that signs its own."""

from functools import cache
from hashlib import sha256
from typing import Final

from stun.protocol.beacon.bls import public_key
from stun.protocol.beacon.bn254 import ORDER
from stun.protocol.beacon.rounds import Schedule

EVMNET_CHAIN: Final = "04f1e9062b8a81f848fded9c12306733282b2727ecced50032187751166ec8c3"  # its name in URLs
EVMNET_KEY: Final = bytes.fromhex(
    "07e1d1d335df83fa98462005690372c643340060d205306a9aa8106b6bd0b3820557ec32c2ad488e4d4f6008f89a346f18492092ccc0d594610"
    "de2732c8b808f0095685ae3a85ba243747b1b2f426049010f6b73a0cf1d389351d5aaaa1047f6297d3a4f9749b33eb2d904c9d9ebf17224150d"
    "dd7abd7567a9bec6c74480ee0b"
)
EVMNET_GENESIS: Final = 1_727_521_075
EVMNET_PERIOD_SECONDS: Final = 3
BEACON_DELAY_SECONDS: Final = 60
BEACON_STRIDE_SECONDS: Final = 300

# Public: whoever knows it foresees every round of a development network.
DEVELOPMENT_SECRET: Final = int.from_bytes(sha256(b"STUN development beacon").digest(), "big") % ORDER


def evmnet_schedule(delay: int = BEACON_DELAY_SECONDS, stride_seconds: int = BEACON_STRIDE_SECONDS) -> Schedule:
    """Return evmnet's rounds with a delay and a stride in seconds, a multiple of 3."""
    stride, rest = divmod(stride_seconds, EVMNET_PERIOD_SECONDS)
    if rest:
        raise ValueError(f"a stride is whole rounds of {EVMNET_PERIOD_SECONDS} s, not {stride_seconds} s")
    return Schedule(EVMNET_GENESIS, EVMNET_PERIOD_SECONDS, delay, stride)


def development_schedule() -> Schedule:
    """Return a development network's rounds: one a second, every second one counts, two seconds ahead."""
    return Schedule(1_700_000_000, 1, 2, 2)


@cache
def development_key() -> bytes:
    """Return the key of DEVELOPMENT_SECRET."""
    return public_key(DEVELOPMENT_SECRET)

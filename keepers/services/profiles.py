"""Provider profiles as the matcher ranks them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stun.pool.envelopes import ProfileEnvelope
from stun.pool.errors import WireInvalid
from stun.pool.profiles import listed_prices
from stun.provider.hardware import Cpu, Gpu, Hardware

NO_HARDWARE = Hardware((), Cpu("", 0, ()), 0)


@dataclass(frozen=True, slots=True)
class ProviderProfile:
    """One provider: lowest prices per 10^6 units by model and asset, its machine, and what the chain says of it.

    `reputation` in [0, 10^6]; `stake` in STUN; `load`: its unfinished batches; `expires_at`: end of the profile.
    """

    provider: bytes
    prices: Mapping[bytes, Mapping[bytes, int]]
    hardware: Hardware = NO_HARDWARE
    reputation: int = 0
    stake: int = 0
    load: int = 0
    expires_at: int = 0


def read_profile(envelope: ProfileEnvelope, reputation: int, stake: int, load: int) -> ProviderProfile | None:
    """Return the profile of an advertisement, None if its prices or its hardware cannot be read."""
    try:
        prices = listed_prices(envelope.document)
        hardware = read_hardware(envelope.document["hardware"])
    except (WireInvalid, KeyError, TypeError, ValueError, AttributeError):
        return None
    return ProviderProfile(
        envelope.profile.provider, prices, hardware, reputation, stake, load, envelope.profile.expires_at
    )


def read_hardware(document: Mapping[str, Any]) -> Hardware:
    """Read what a profile says of its machine; what it leaves out is not there. Errors: TypeError, ValueError."""
    gpus = tuple(_gpu(entry) for entry in document.get("gpus", ()))
    return Hardware(gpus, NO_HARDWARE.cpu, int(document.get("memory", 0)), str(document.get("tee", "")))


def _gpu(entry: Mapping[str, Any]) -> Gpu:
    capability = entry.get("compute_capability")
    if capability is not None:
        major, minor = capability
        capability = (int(major), int(minor))
    return Gpu(str(entry.get("name", "")), int(entry["memory"]), capability)

"""The provider's signed advertisement: what the machine is, which models it runs and at which prices."""

from typing import Any

from stun.pool.envelopes import ProfileEnvelope
from stun.pool.profiles import profile_document
from stun.protocol.messages import Profile
from stun.protocol.trees.specs import json_digest
from stun.provider.context import ProviderContext
from stun.provider.hardware import Gpu, Hardware


def hardware_document(hardware: Hardware) -> dict[str, Any]:
    """Hardware as a profile shows it: memory in bytes, compute capability as [major, minor] or null."""
    return {
        "gpus": [_gpu_document(gpu) for gpu in hardware.gpus],
        "cpu": {"name": hardware.cpu.name, "cores": hardware.cpu.cores},
        "memory": hardware.memory,
        "tee": hardware.tee,
    }


def make_profile(context: ProviderContext, now: int) -> ProfileEnvelope:
    """Sign an advertisement that ends `profile_seconds` from now. Errors: WireInvalid if the price list is too long."""
    settings = context.settings
    document = profile_document(hardware_document(context.hardware), settings.policy.listed(), settings.region)
    profile = Profile(context.account, json_digest(document), now + settings.profile_seconds)
    return ProfileEnvelope(profile, document, settings.store_urls, context.sign(profile))


class Advertiser:
    """Keeps a profile in the pools: a new one when half of the time of the last has passed."""

    def __init__(self, context: ProviderContext) -> None:
        self._context = context
        self._renew_at = 0

    def renew(self) -> bool:
        """Publish a profile if one is due; return whether it was. Errors: PoolError, ChainError."""
        now = self._context.reader.now()
        if now < self._renew_at:
            return False
        self._context.pools.publish(make_profile(self._context, now))
        self._renew_at = now + max(1, self._context.settings.profile_seconds // 2)
        return True


def _gpu_document(gpu: Gpu) -> dict[str, Any]:
    capability = None if gpu.compute_capability is None else list(gpu.compute_capability)
    return {"name": gpu.name, "memory": gpu.memory, "compute_capability": capability}

"""A provider's terms for every model there is, at one price: for owners who do not choose."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stun.chains.market import ModelRecord
from stun.pool.profiles import MAX_MODELS
from stun.provider.policy import BiddingPolicy, ModelPrice

ANY_MODEL = bytes(32)


def no_models() -> Sequence[ModelRecord]:
    """What is registered where nobody looks."""
    return ()


@dataclass(frozen=True, slots=True)
class OpenPolicy(BiddingPolicy):
    """Prices by model first, then `fallback` for any other; `models` says which are registered now.

    The fallback stands among the prices too, under the model of 32 zero bytes, which nobody can register: whoever asks
    the policy for its assets finds it there.
    """

    fallback: ModelPrice | None = None
    models: Callable[[], Sequence[ModelRecord]] = no_models

    def price_of(self, model_id: bytes, asset: bytes) -> ModelPrice | None:
        """The price list's entry, or the one for any model."""
        named = BiddingPolicy.price_of(self, model_id, asset)
        if named is not None or self.fallback is None or self.fallback.asset != asset:
            return named
        return self._priced(model_id, self.fallback)

    def listed(self) -> dict[bytes, dict[bytes, int]]:
        """What a profile says: the price list and the newest models beside it, as many as a profile holds."""
        out = BiddingPolicy.listed(self)
        out.pop(ANY_MODEL, None)
        if self.fallback is None:
            return out
        live = [record.model_id for record in self.models() if record.live]
        room = max(0, MAX_MODELS - len(out))
        for model_id in [name for name in live if name not in out][-room:] if room else []:
            out[model_id] = {self.fallback.asset: self._priced(model_id, self.fallback).at_load(0, self.max_batches)}
        return out

    @staticmethod
    def _priced(model_id: bytes, price: ModelPrice) -> ModelPrice:
        return ModelPrice(model_id, price.asset, price.floor, price.margin_bps, price.load_bps, price.task_milliseconds)

"""The registry of models: open, final, with a bond that comes back a week after a model is retired.

Pure functions on the record of one model (None: never registered); `trees.specs.model_id` names it. Accounts, digests
and roots are 32 bytes; times are in seconds, the bond is STUN with 9 decimals. Source: docs/PROTOCOL.md, section 4.
"""

from dataclasses import dataclass, replace

from stun.protocol.errors import require
from stun.protocol.parameters import MODEL_RELEASE_SECONDS, NumericClass

ZERO = bytes(32)


@dataclass(frozen=True, slots=True)
class Model:
    """A registered model. `retired_at` is 0 while it lives; `bond` is what the registry still holds for it."""

    creator: bytes
    numeric_class: NumericClass
    live: bool
    manifest_digest: bytes
    weight_root: bytes
    graph_root: bytes
    retired_at: int = 0
    bond: int = 0


def register(
    existing: Model | None,
    creator: bytes,
    manifest_digest: bytes,
    weight_root: bytes,
    graph_root: bytes,
    numeric_class: int,
    bond: int,
) -> Model:
    """Register a model for its creator, who pays the bond; `existing` is the record under the same id.

    Errors: "registry: class", "registry: width", "registry: manifest" (zero digest), "registry: roots" (class exact
    without roots), "registry: exists" (also after retirement).
    """
    require(numeric_class in tuple(NumericClass), "registry: class")
    fields = (creator, manifest_digest, weight_root, graph_root)
    require(all(len(field) == 32 for field in fields), "registry: width")
    require(manifest_digest != ZERO, "registry: manifest")
    if numeric_class == NumericClass.EXACT:
        require(ZERO not in (weight_root, graph_root), "registry: roots")
    require(existing is None, "registry: exists")
    return Model(
        creator, NumericClass(numeric_class), True, manifest_digest, weight_root, graph_root, retired_at=0, bond=bond
    )


def retire(model: Model | None, caller: bytes, now: int) -> Model:
    """Take a model out of the market for good.

    Errors: "registry: unknown", "registry: creator" (not the caller's), "registry: retired" (again).
    """
    known = _known(model)
    require(known.creator == caller, "registry: creator")
    require(known.live, "registry: retired")
    return replace(known, live=False, retired_at=now)


def reclaim(model: Model | None, now: int) -> tuple[Model, int]:
    """Release the bond of a retired model and return the amount that its creator gets back.

    Errors: "registry: unknown", "registry: live", "registry: early" (within 7 days), "registry: reclaimed" (again).
    """
    known = _known(model)
    require(not known.live, "registry: live")
    require(now >= known.retired_at + MODEL_RELEASE_SECONDS, "registry: early")
    require(known.bond > 0, "registry: reclaimed")
    return replace(known, bond=0), known.bond


def _known(model: Model | None) -> Model:
    require(model is not None, "registry: unknown")
    assert model is not None  # narrows the type; require has already refused
    return model

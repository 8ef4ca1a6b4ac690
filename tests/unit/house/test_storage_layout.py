"""Settlement runs on the market's storage: what it declares lies in the same slots there (decision 0004)."""

from functools import cache
from pathlib import Path
from typing import Any

import snekmate
from vyper import compile_from_file_input
from vyper.compiler.input_bundle import FilesystemInputBundle

from stun.chains.evm.artifacts import ROOT

SITE_PACKAGES = Path(snekmate.__path__[0]).parent

Slots = dict[str, tuple[int, int, str]]


def _flat(layout: dict[str, Any], prefix: str = "") -> Slots:
    slots: Slots = {}
    for name, entry in layout.items():
        if "slot" in entry:
            slots[prefix + name] = (entry["slot"], entry["n_slots"], entry["type"])
        else:
            slots.update(_flat(entry, f"{prefix}{name}."))
    return slots


@cache
def _storage(contract: str) -> Slots:
    """First slot, number of slots and type of every variable in storage."""
    bundle = FilesystemInputBundle([SITE_PACKAGES, ROOT / "contracts"])
    compiled = compile_from_file_input(
        bundle.load_file(f"{contract}.vy"), input_bundle=bundle, output_formats=["layout"]
    )
    return _flat(compiled["layout"]["storage_layout"])


def test_shared_storage_lies_in_the_same_slots() -> None:
    market, settlement = _storage("Marketplace"), _storage("Settlement")

    assert {name: market.get(name) for name in settlement} == settlement


def test_the_halves_share_money_and_batches() -> None:
    shared = set(_storage("Marketplace")) & set(_storage("Settlement"))

    assert {"store._heads", "store._terms", "store._digests", "store._dues"} <= shared
    assert any(name.startswith("ledger.") for name in shared)

"""Models: register a file, list what is registered, and find one by what a person types."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from stun_sdk import Model, StunClient
from stun_sdk.manifests import read_manifest

from stun.chains.market import ModelRecord
from stun.cli import output
from stun.cli.amounts import format_amount
from stun.cli.command import Group
from stun.cli.session import Session
from stun.models.errors import ManifestError
from stun.models.manifest import Manifest
from stun.pool.errors import PoolError
from stun.pool.profiles import listed_prices
from stun.protocol.errors import StunError
from stun.storage.blobs import BlobError

_HEX = re.compile(r"0x[0-9a-fA-F]{4,64}|[0-9a-fA-F]{64}")


class ModelNotFound(StunError):
    """No live model, or more than one, fits what was typed."""

    code = "cli: model"


@dataclass(frozen=True, slots=True)
class Known:
    """A registered model and its manifest, None if no store serves one that holds."""

    record: ModelRecord
    manifest: Manifest | None

    @property
    def name(self) -> str:
        """Its creator's name for it, which nothing protects: another creator may use the same."""
        return "(no manifest found)" if self.manifest is None else output.clean(self.manifest.name)


def known_models(client: StunClient) -> list[Known]:
    """Every registered model, in order of registration. Errors: ChainError."""
    return [describe(client, record) for record in client.models()]


def describe(client: StunClient, record: ModelRecord) -> Known:
    """A model with its manifest, if a store has it."""
    try:
        return Known(record, read_manifest(client.connection.store, record))
    except (BlobError, ManifestError):
        return Known(record, None)


def find_model(client: StunClient, text: str) -> Known:
    """A live model by id, the beginning of its id (0x and 4 digits at least), or a part of its name.

    Errors: ModelNotFound, ChainError.
    """
    live = [record for record in client.models() if record.live]
    if _HEX.fullmatch(text):
        digits = text.lower().removeprefix("0x")
        found = [describe(client, record) for record in live if record.model_id.hex().startswith(digits)]
    else:
        named = [describe(client, record) for record in live]
        found = [known for known in named if text.lower() in known.name.lower()]
    if len(found) != 1:
        many = "; ".join(f"{output.short(known.record.model_id)} {known.name}" for known in found[:5])
        cause = f"{len(found)} models fit {output.clean(text)!r}: {many}; give the id" if found else (
            f"no live model fits {output.clean(text)!r}; see `stun model list`"
        )  # fmt: skip
        raise ModelNotFound(cause)
    return found[0]


def offers(client: StunClient) -> dict[bytes, list[tuple[int, bytes]]]:
    """(price per 10^6 units, asset) by model, as providers advertise it; none if no pool answers."""
    found: dict[bytes, list[tuple[int, bytes]]] = {}
    try:
        profiles = client.connection.pools.profiles()
    except PoolError:
        return {}
    for envelope in profiles:
        for model_id, prices in listed_prices(envelope.document).items():
            found.setdefault(model_id, []).extend((price, asset) for asset, price in prices.items())
    return found


@click.group(cls=Group)
def model() -> None:
    """Register and list models."""


@model.command("list")
@click.option("--all", "retired", is_flag=True, help="retired models too")
@click.pass_context
def list_models(ctx: click.Context, retired: bool) -> None:
    """List registered models and what providers ask for them."""
    session = ctx.ensure_object(Session)
    client = session.client()
    asked = offers(client)
    models = [known for known in known_models(client) if retired or known.record.live]
    documents = [_document(client, known, asked.get(known.record.model_id, [])) for known in models]
    rows = [
        (
            output.short(known.record.model_id), known.name, known.record.numeric_class.name.lower(),
            str(len(asked.get(known.record.model_id, []))),
            _cheapest(client, asked.get(known.record.model_id, [])),
        )
        for known in models
    ]  # fmt: skip
    table = output.listing(("model", "name", "class", "offers", "from, per 10^6 units"), rows, ("offers",))
    empty = "no model is registered; `stun model register FILE` adds one"
    session.show({"models": documents}, table if rows else empty)


@model.command(acts=True)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", help="what people call it; the file's name if not given")
@click.pass_context
def register(ctx: click.Context, file: Path, name: str | None) -> None:
    """Store FILE and register it: TorchScript, torch.export or ONNX, told by content.

    Nothing is loaded or unpickled. A pickle is refused, with what to export instead.
    """
    session = ctx.ensure_object(Session)
    described = Model.from_file(file, name)
    client = session.client()
    manifest = described.manifest
    told = f"store {file.name} ({file.stat().st_size:,} bytes, {manifest.runner}) and register its manifest"
    session.writer(client, "registering a model", {"file": str(file), "runner": manifest.runner}, told)
    model_id = client.upload_model(described)
    document = {"model_id": model_id, "name": manifest.name, "runner": manifest.runner}
    session.show(document, "registered " + output.clean(manifest.name), model_id)


def _document(client: StunClient, known: Known, asked: list[tuple[int, bytes]]) -> dict[str, Any]:
    record = known.record
    return {
        "model_id": output.hexed(record.model_id),
        "name": None if known.manifest is None else known.manifest.name,
        "creator": output.address(record.creator),
        "class": record.numeric_class.name.lower(),
        "runner": None if known.manifest is None else known.manifest.runner,
        "live": record.live,
        "offers": [
            {"asset": client.accounts.name_of(asset), "price_per_million": str(price)} for price, asset in asked
        ],
    }


def _cheapest(client: StunClient, asked: list[tuple[int, bytes]]) -> str:
    by_asset: dict[bytes, int] = {}
    for price, asset in asked:
        by_asset[asset] = min(price, by_asset.get(asset, price))
    names = client.accounts.name_of
    return ", ".join(format_amount(price, names(asset)) for asset, price in sorted(by_asset.items())) or "-"



"""`stun model`: registered models."""

from pathlib import Path
from typing import Any

import click
from stun_sdk import Model, TaskInvalid
from stun_sdk.client import StunClient
from stun_sdk.manifests import read_manifest

from stun.cli.names import address, identity
from stun.cli.quantize import quantize, verify
from stun.cli.session import Session, pass_session
from stun.models.errors import ManifestError
from stun.models.manifest import parse_manifest
from stun.protocol.errors import StunError
from stun.protocol.trees.specs import model_id
from stun.provider.runners.exact_minilm import exact_minilm_model
from stun.provider.runners.minilm import minilm_model
from stun.storage.blobs import BlobError

_COLUMNS = ("model_id", "name", "runner", "class", "unit", "live")


@click.group()
def model() -> None:
    """Register models and list them."""


@model.command()
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--name", help="The model's name; the file's by default.")
@click.option("--manifest", type=click.Path(path_type=Path), help="A manifest, for a model of several files.")
@click.option("--file", "files", multiple=True, metavar="ROLE=PATH", help="A file that the manifest names.")
@click.option("--minilm", is_flag=True, help="The sentence embedding model of this package, in integers: class exact.")
@click.option(
    "--float", "floating", is_flag=True, help="With --minilm: its floating point form, which nobody can judge."
)
@pass_session
def register(
    session: Session, path: Path | None, name: str | None, manifest: Path | None, files: tuple[str, ...], minilm: bool,
    floating: bool,
) -> None:  # fmt: skip
    """Store the model at PATH and register it: TorchScript, torch.export or ONNX, told by its content."""
    chosen = _chosen(path, name, manifest, files, minilm, floating)
    client = session.actor()
    writer = session.writer(client)
    if session.rehearsing:
        described = chosen.manifest
        roots = (described.weight_root, described.graph_root)
        writer.register_model("register_model", described.digest(), *roots, chosen.numeric_class)
        registered = identity(model_id(writer.account, described.digest()))
    else:
        registered = client.upload_model(chosen)
    record = {"model_id": registered, "name": chosen.manifest.name, "runner": chosen.manifest.runner}
    session.done(record, f"{registered}\n{chosen.manifest.name} ({chosen.manifest.runner}) is registered")


@model.command("list")
@pass_session
def list_models(session: Session) -> None:
    """List every registered model."""
    client = session.reader()
    rows = [_row(client, record) for record in client.models()]
    session.output.rows("models", rows, _COLUMNS, "no model is registered; see `stun model register`")


model.add_command(quantize)
model.add_command(verify)


def _row(client: StunClient, record: Any) -> dict[str, Any]:
    row = {
        "model_id": identity(record.model_id), "creator": address(record.creator), "live": record.live,
        "class": record.numeric_class.name.lower(), "manifest": identity(record.manifest_digest),
        "name": None, "runner": None, "unit": None, "problem": None,
    }  # fmt: skip
    try:
        manifest = read_manifest(client.connection.store, record)
    except (BlobError, ManifestError) as error:
        return row | {"problem": str(error)}
    return row | {
        "name": manifest.name,
        "runner": f"{manifest.runner} {manifest.runner_version}",
        "unit": manifest.unit,
    }


def _chosen(
    path: Path | None, name: str | None, manifest: Path | None, files: tuple[str, ...], minilm: bool, floating: bool
) -> Model:
    """The model that the arguments name. Errors: TaskInvalid, ModelFileError, ManifestError."""
    if sum((path is not None, manifest is not None, minilm)) != 1:
        raise TaskInvalid("model", "give one of PATH, --manifest or --minilm")
    if floating and not minilm:
        raise TaskInvalid("float", "goes with --minilm: files are registered as what they are")
    if minilm:
        packaged = minilm_model() if floating else exact_minilm_model()
        return Model(packaged.manifest, packaged.files)
    try:
        if path is not None:
            return Model.from_file(path, name)
        assert manifest is not None, "one of three was given"
        roles = dict(part.partition("=")[::2] for part in files)
        return Model.from_manifest(parse_manifest(manifest.read_bytes()), roles)
    except StunError:
        raise
    except OSError as error:
        raise TaskInvalid("model", f"{path or manifest} cannot be read: {error.strerror}") from error

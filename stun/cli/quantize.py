"""`stun model quantize` and `stun model verify`: float models to class `exact`, and the bits of this machine."""

import json
from hashlib import sha256
from pathlib import Path
from shutil import copyfile
from typing import Any

import click

from stun.cli.session import Session, pass_session
from stun.models.errors import ModelFileError
from stun.models.exact.errors import ExactPathError
from stun.models.exact.formats import TOKENIZER_ROLE, ids_format, vector_format
from stun.models.exact.verifying import PathVerdict, verify_paths
from stun.models.manifest import GRAPH_ROLE, Manifest, NumericClass
from stun.models.quantize.calibration import calibration_texts
from stun.models.quantize.plots import draw_report
from stun.models.quantize.report import TOKENIZER, Report, quantize_encoder
from stun.models.quantize.shipped import BITS, shipped_graph
from stun.models.texts import read_texts
from stun.protocol.errors import Rejected
from stun.protocol.graph.file import decode_graph, encode_graph
from stun.protocol.graph.structure import Graph
from stun.provider.runners.exact_graph import ExactGraphRunner

GRAPH_FILE, MANIFEST_FILE, REPORT_FILE, PLOT_FILE = "model.graph", "manifest.json", "report.json", "report.png"


class NotExact(ModelFileError):
    """A file that holds no valid graph of class `exact`, or a model that cannot become one."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)


class BitsDiffer(ExactPathError):
    """A path on this machine has other bits than the specification: whoever served with it would be convicted."""

    def __init__(self, paths: list[str]) -> None:
        super().__init__(f"wrong bits on this machine from: {', '.join(paths)}")


@click.command()
@click.argument("model", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for the integer model; made.")
@click.option(
    "--texts", type=click.Path(path_type=Path), help="Your texts, one a line: four of five calibrate, one judges."
)
@click.option("--name", help="The model's name; the folder's by default.")
@pass_session
def quantize(session: Session, model: Path, out: Path, texts: Path | None, name: str | None) -> None:
    """Turn the sentence encoder in folder MODEL into integers of class exact.

    MODEL holds model.safetensors, config.json (bert, gelu) and tokenizer.json. OUT gets the graph, tokenizer and
    manifest to register, and beside them the report on your texts, which is not registered.
    """
    session.output.note("calibrating, quantizing and judging; this takes a minute for a small model")
    chosen = read_texts(texts) if texts is not None else calibration_texts()
    try:
        graph, report = quantize_encoder(model, chosen)
    except Rejected as error:
        raise NotExact(f"the model does not fit class exact ({error.code})") from error
    out.mkdir(parents=True, exist_ok=True)
    record = _write(graph, model, out, name or model.resolve().name) | report.record()
    (out / REPORT_FILE).write_text(json.dumps(record, indent=1))
    record["plot"] = str(out / PLOT_FILE) if draw_report(report, out / PLOT_FILE) else None
    session.output.record(record, _told(record, report, out))


@click.command()
@click.argument("path", required=False, type=click.Path(path_type=Path, dir_okay=False, exists=True))
@pass_session
def verify(session: Session, path: Path | None) -> None:
    """Run known answers on every path, and print the bits of the graph file at PATH, by default the shipped model's."""
    try:
        graph = decode_graph((path or shipped_graph()).read_bytes())
    except Rejected as error:
        raise NotExact(f"not a graph of class exact ({error.code})") from error
    verdicts = verify_paths(graph)
    rows = [_row(verdict, BITS if path is None else None) for verdict in verdicts]
    bits = {verdict.bits for verdict in verdicts if verdict.bits is not None}
    record = {"graph_root": graph.graph_root.hex(), "weight_root": graph.weight_root.hex(), "paths": rows}
    lines = [f"{row['path']:10}{row['bits'] or row['refused']}" for row in rows]
    session.output.record(record, "\n".join([f"graph root {record['graph_root']}", *lines]))
    wrong = [
        row["path"]
        for row, verdict in zip(rows, verdicts, strict=True)
        if verdict.is_wrong or row["as_published"] is False
    ]
    if wrong or len(bits) > 1:
        raise BitsDiffer(wrong or [verdict.path for verdict in verdicts])


def _row(verdict: PathVerdict, published: str | None) -> dict[str, Any]:
    refused = None if verdict.refused is None else str(verdict.refused)
    same = None if published is None or verdict.bits is None else verdict.bits == published
    return {"path": verdict.path, "bits": verdict.bits, "refused": refused, "as_published": same}


def _write(graph: Graph, source: Path, out: Path, name: str) -> dict[str, Any]:
    """The files of the integer model; returns what names them."""
    data = encode_graph(graph)
    (out / GRAPH_FILE).write_bytes(data)
    copyfile(source / TOKENIZER, out / TOKENIZER)
    tokenizer = sha256((out / TOKENIZER).read_bytes()).digest()
    manifest = Manifest(
        name=name, runner=ExactGraphRunner.id, runner_version=ExactGraphRunner.version,
        numeric_class=NumericClass.EXACT, unit=ExactGraphRunner.unit, input_format=ids_format(graph.header.max_rows),
        output_format=vector_format(graph.operators[-1].cols),
        files={GRAPH_ROLE: sha256(data).digest(), TOKENIZER_ROLE: tokenizer},
        weight_root=graph.weight_root, graph_root=graph.graph_root,
    )  # fmt: skip
    (out / MANIFEST_FILE).write_bytes(manifest.to_json())
    roots = {"graph_root": graph.graph_root.hex(), "weight_root": graph.weight_root.hex()}
    return {"folder": str(out), "bytes": len(data), "operators": len(graph.operators), **roots}


def _told(record: dict[str, Any], report: Report, out: Path) -> str:
    layers = [f"  {layer.name:8}{layer.mean:9.5f}{layer.least:9.5f}{layer.peak:9.2f}" for layer in report.layers]
    return "\n".join(
        [
            f"{record['operators']} operators, {record['bytes'] / 2**20:.1f} MiB in {out}",
            f"calibrated on {report.calibrated} texts, judged on {report.judged} others:",
            f"  cosine of float and integer vector: mean {report.quality.mean:.5f}, worst {report.quality.least:.5f}",
            f"  rank correlation of all similarities: {report.quality.rank_correlation:.5f}",
            f"  worst text: {report.worst[:80]}",
            "  layer  cos mean    worst     peak",
            *layers,
            f"plot: {record['plot'] or 'none; matplotlib is not installed'}",
            f"register: stun model register --manifest {out / MANIFEST_FILE} --file graph={out / GRAPH_FILE} "
            f"--file tokenizer={out / TOKENIZER}",
        ]
    )

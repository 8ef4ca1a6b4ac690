"""`stun model quantize` and `stun model verify`: float models to class `exact`, and the bits of this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from stun.cli.quantized import Quantized
from stun.cli.session import Session, pass_session
from stun.models.errors import ModelFileError
from stun.models.exact.errors import ExactPathError
from stun.models.exact.formats import TOKENIZER_ROLE, ids_format, vector_format
from stun.models.exact.verifying import PathVerdict, verify_paths
from stun.models.quantize.calibration import calibration_texts
from stun.models.quantize.networks.plots import draw_network_report
from stun.models.quantize.networks.report import NetworkReport, quantize_network
from stun.models.quantize.plots import draw_report
from stun.models.quantize.report import TOKENIZER, Report, quantize_encoder
from stun.models.quantize.shipped import BITS, shipped_graph
from stun.models.texts import read_texts
from stun.protocol.errors import Rejected
from stun.protocol.graph.file import decode_graph


class NotExact(ModelFileError):
    """A file that holds no valid graph of class `exact`, or a model that cannot become one."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)


class BitsDiffer(ExactPathError):
    """A path on this machine has other bits than the specification: whoever served with it would be convicted."""

    def __init__(self, paths: list[str]) -> None:
        super().__init__(f"wrong bits on this machine from: {', '.join(paths)}")


@click.command()
@click.argument("model", type=click.Path(path_type=Path, exists=True))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for the integer model; made.")
@click.option("--texts", type=click.Path(path_type=Path), help="An encoder's texts, one a line.")
@click.option(
    "--inputs", type=click.Path(path_type=Path, dir_okay=False), help="A network's samples: .npy, [samples, ...]."
)
@click.option("--name", help="The model's name; the file's or folder's by default.")
@pass_session
def quantize(
    session: Session, model: Path, out: Path, texts: Path | None, inputs: Path | None, name: str | None
) -> None:
    """Turn a float model into integers of class exact.

    MODEL is an MLP or a small CNN as an ONNX file or (with the torch extra) a torch.export program, for which --inputs
    are needed; or the folder of a sentence encoder: model.safetensors, config.json (bert, gelu) and tokenizer.json.
    Four of five texts or samples calibrate, the fifth judges.
    OUT gets what is registered (graph, manifest, an encoder's tokenizer), and the report, which is not.
    """
    is_encoder = model.is_dir()
    if (inputs is None) != is_encoder or (texts is not None and not is_encoder):
        raise click.UsageError("a network's file wants --inputs; an encoder's folder takes --texts, and no --inputs")
    session.output.note("calibrating, quantizing and judging; this takes a minute for a small model")
    with _telling_bounds():
        if inputs is None:
            record, told = _quantize_encoder(model, out, texts, name or model.resolve().name)
        else:
            record, told = _quantize_network(model, out, inputs, name or model.stem)
    session.output.record(record, told)


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


def _quantize_encoder(model: Path, out: Path, texts: Path | None, name: str) -> tuple[dict[str, Any], str]:
    graph, report = quantize_encoder(model, read_texts(texts) if texts is not None else calibration_texts())
    forms = ids_format(graph.header.max_rows), vector_format(graph.operators[-1].cols)
    made = Quantized(name, graph, *forms, {TOKENIZER_ROLE: model / TOKENIZER})
    record = made.write(out, report.record(), lambda path: draw_report(report, path))
    return record, made.told(record, _encoder_lines(report))


def _quantize_network(model: Path, out: Path, inputs: Path, name: str) -> tuple[dict[str, Any], str]:
    network, report = quantize_network(model, inputs)
    made = Quantized(name, network.graph, network.input_format.word, network.output_format.word, {})
    record = made.write(out, report.record(), lambda path: draw_network_report(report, path))
    return record, made.told(record, _network_lines(report, record))


@contextmanager
def _telling_bounds() -> Iterator[None]:
    try:
        yield
    except Rejected as error:
        raise NotExact(f"the model does not fit class exact ({error.code})") from error


def _encoder_lines(report: Report) -> list[str]:
    return [
        f"calibrated on {report.calibrated} texts, judged on {report.judged} others:",
        f"  cosine of float and integer vector: mean {report.quality.mean:.5f}, worst {report.quality.least:.5f}",
        f"  rank correlation of all similarities: {report.quality.rank_correlation:.5f}",
        f"  worst text: {report.worst[:80]}",
        "  layer  cos mean    worst     peak",
        *(f"  {layer.name:8}{layer.mean:9.5f}{layer.least:9.5f}{layer.peak:9.2f}" for layer in report.layers),
    ]


def _network_lines(report: NetworkReport, record: dict[str, Any]) -> list[str]:
    agreement = "" if record["agreement"] is None else f"  same largest value: {record['agreement']:.2%} of samples"
    return [
        f"reads {record['input_format']}, makes {record['output_format']}",
        f"calibrated on {report.calibrated} samples, judged on {report.judged} others:",
        f"  error of a result: mean {record['error_mean']:.2%}, 99 of 100 below {record['error_p99']:.2%}, "
        f"worst {record['error_max']:.2%} (sample {report.worst})",
        *([agreement] if agreement else []),
        f"  float reference against the model's own library: {report.reading_error:.1e} of the largest value",
        f"  {'layer':32}error mean    worst      peak  at limit",
        *(
            f"  {layer.name:32}{layer.mean:10.2%}{layer.worst:9.2%}{layer.peak:10.4g}{layer.at_limit:10.3%}"
            for layer in report.layers
        ),
    ]

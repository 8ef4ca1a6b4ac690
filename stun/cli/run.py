"""`stun run`: order, wait, and show the outputs."""

import base64
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import click
from stun_sdk import DissentUnsettled, TaskResult
from stun_sdk.forms import array_reader

from stun.cli.order import submit
from stun.cli.session import Session, pass_session
from stun.cli.task_options import make_task, task_options
from stun.protocol.errors import StunError

_SHOWN_BYTES = 64
_SHOWN_NUMBERS = 6


@click.command()
@task_options
@click.option("--timeout", type=click.FloatRange(0), default=600.0, show_default=True, help="Seconds to wait.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for the outputs, a file a task.")
@click.option("--accept", is_flag=True, help="Pay at once when the outputs are here and match the chain.")
@pass_session
def run(session: Session, /, timeout: float, out: Path | None, accept: bool, **options: Any) -> None:
    """Order tasks of MODEL, one for each INPUT (a path), wait, and show the outputs.

    Outputs are shown only if they hash to the result that the providers showed on the chain. A single output goes to
    standard output as it is when that is no terminal.
    """
    client = session.actor()
    task = make_task(client, **options)
    submitted = submit(session, client, task)
    if submitted is None:
        return
    session.output.note(f"order {submitted.id}: waiting for results")
    outputs = submitted.get_outputs(timeout, allow_refused=True)
    show_outputs(session, submitted, outputs, out, accept and _accept(session, submitted))


def _accept(session: Session, result: TaskResult) -> bool:
    """Pay at once, unless that would pay a wrong result as well; return whether it was accepted."""
    try:
        result.accept()
    except DissentUnsettled as dissent:
        session.output.note(f"not accepted: {dissent}")
        return False
    return True


def show_outputs(session: Session, result: TaskResult, outputs: list[bytes], out: Path | None, accepted: bool) -> None:
    """Print, or write into a folder, what came."""
    rows = [_row(index, data, out) for index, data in enumerate(outputs)]
    record = {"dry_run": False, "order_id": result.id, "accepted": accepted, "outputs": rows}
    if session.output.as_json:
        session.output.record(record)
    elif out is not None:
        session.output.record(record, f"{len(outputs)} outputs are in {out}")
    elif len(outputs) == 1 and not sys.stdout.isatty():
        click.get_binary_stream("stdout").write(outputs[0])
    else:
        session.output.record(record, "\n".join(_line(index, data, result) for index, data in enumerate(outputs)))


def _row(index: int, data: bytes, out: Path | None) -> dict[str, Any]:
    """One output with stable keys: its bytes in base64, or the file it was written to; null if the model refused."""
    row: dict[str, Any] = {
        "index": index, "size": len(data), "sha256": sha256(data).hexdigest(), "refused": not data,
        "path": None, "base64": None,
    }  # fmt: skip
    if out is None:
        return row | {"base64": base64.b64encode(data).decode()}
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{index:05d}.bin"
    path.write_bytes(data)
    return row | {"path": str(path)}


def _line(index: int, data: bytes, result: TaskResult) -> str:
    if not data:
        return f"{index}: refused by the model"
    try:
        return f"{index}: {_numbers(result, data)}"
    except StunError:  # other bytes than the format says: shown as they are
        return f"{index}: {_plain(data)}"


def _numbers(result: TaskResult, data: bytes) -> str:
    numbers = array_reader(result.output_format)(data)
    shown = ", ".join(f"{number:.5g}" for number in numbers.flat[:_SHOWN_NUMBERS])
    return f"{' x '.join(map(str, numbers.shape))} numbers {shown}{', ...' * (numbers.size > _SHOWN_NUMBERS)}"


def _plain(data: bytes) -> str:
    text = data[:_SHOWN_BYTES].decode("utf-8", "replace")
    shown = text if text.isprintable() else data[:_SHOWN_BYTES].hex()
    return f"{len(data)} bytes {shown}{'...' if len(data) > _SHOWN_BYTES else ''}"

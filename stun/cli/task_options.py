"""The terms of a task on the command line, shared by `stun run` and `stun order create`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from stun_sdk import StunClient, Task, TaskInvalid, Text
from stun_sdk.task import Input

from stun.cli.amounts import parse_amount

F = TypeVar("F", bound=Callable[..., Any])
_NUMBERS = ("gpu_count",)
_OPTIONS = (
    click.argument("model"),
    click.argument("inputs", nargs=-1, metavar="INPUT..."),
    click.option("--text", "texts", multiple=True, help="An input that is this text."),
    click.option("--lines", type=click.Path(path_type=Path), help="A file of texts, one task a line."),
    click.option("--replicas", type=click.IntRange(1, 3), help="How many providers compute every task."),
    click.option("--asset", help="STUN, USDC or a token's address."),
    click.option("--max-price", help="Highest price per 10^6 units and replica; estimated from offers by default."),
    click.option("--max-units", type=click.IntRange(1), help="Most units of one task."),
    click.option("--tip", help="What matcher and settler share when a replica is paid."),
    click.option("--require", "requirements", multiple=True, metavar="KEY=VALUE", help="gpu_memory=16GB and the like."),
    click.option("--param", "params", multiple=True, metavar="KEY=JSON", help="A parameter of the model."),
    click.option("--provider", "providers", multiple=True, help="Only these accounts may bid."),
    click.option(
        "--expires-in", type=click.IntRange(1), default=3_600, show_default=True, help="Seconds to be matched."
    ),
    click.option("--post-seconds", type=click.IntRange(1), help="Time to compute."),
    click.option("--task-seconds", type=click.IntRange(1), help="Time for one task."),
    click.option("--challenge-seconds", type=click.IntRange(1), help="Time between results and settlement."),
    click.option("--audit-ppm", type=click.IntRange(0), help="Audit rate in parts per million."),
)


def task_options(command: F) -> F:
    """Give a command the terms of a task."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def make_task(
    client: StunClient, model: str, inputs: tuple[str, ...], texts: tuple[str, ...], lines: Path | None,
    asset: str | None, max_price: str | None, tip: str | None, requirements: tuple[str, ...],
    params: tuple[str, ...], **terms: Any,
) -> Task:  # fmt: skip
    """The task that the options describe. Errors: TaskInvalid, SettingsInvalid."""
    name = client.accounts.name_of(client.accounts.asset(asset))
    data: list[Input] = [*inputs, *map(Text, [*texts, *_read_lines(lines)])]
    if not data:
        raise TaskInvalid("input_data", "give at least one INPUT, --text or --lines")
    single = data[0] if len(data) == 1 else data
    return Task(
        model, single, asset=asset or "", requirements=dict(_requirement(part) for part in requirements),
        params=dict(_param(part) for part in params), tip=0 if tip is None else parse_amount(tip, name, "tip"),
        max_price=None if max_price is None else parse_amount(max_price, name, "max_price"), **terms,
    )  # fmt: skip


def _read_lines(path: Path | None) -> list[str]:
    if path is None:
        return []
    try:
        return [line for line in path.read_text("utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise TaskInvalid("lines", f"{path} cannot be read as UTF-8 text ({error})") from error


def _requirement(part: str) -> tuple[str, Any]:
    key, sign, value = part.partition("=")
    if not sign:
        raise TaskInvalid("require", f"{part[:60]!r} is not KEY=VALUE")
    return key, int(value) if key in _NUMBERS and value.isdecimal() else value


def _param(part: str) -> tuple[str, Any]:
    key, sign, value = part.partition("=")
    try:
        return key, json.loads(value)
    except (ValueError, RecursionError):
        if not sign:
            raise TaskInvalid("param", f"{part[:60]!r} is not KEY=JSON") from None
        return key, value

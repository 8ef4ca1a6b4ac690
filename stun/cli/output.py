"""What the command prints: with --json one object a line on standard output with stable keys, else text for people.

Errors and progress go to standard error. No key, passphrase or seed comes here: records are built of public values.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Output:
    """Where results go."""

    as_json: bool

    def record(self, record: Mapping[str, Any], text: str | Table | None = None) -> None:
        """One result; `text` for people, else its keys and values."""
        if self.as_json:
            click.echo(json.dumps(record, sort_keys=True))
        elif isinstance(text, str):
            click.echo(text)
        else:
            Console().print(text or _grid(record))

    def rows(self, name: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str], empty: str) -> None:
        """A list of results."""
        if self.as_json:
            click.echo(json.dumps({name: list(rows)}, sort_keys=True))
        elif not rows:
            click.echo(empty)
        else:
            Console().print(table(rows, columns))

    def note(self, text: str) -> None:
        """Progress, for people only."""
        if not self.as_json:
            click.echo(text, err=True)

    def error(self, name: str, message: str) -> None:
        """Why it failed."""
        if self.as_json:
            click.echo(json.dumps({"error": name, "message": message}, sort_keys=True), err=True)
        else:
            click.secho(f"error ({name}): {message}", err=True, fg="red")


def table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> Table:
    """Rows as a table."""
    drawn = Table(box=None, pad_edge=False)
    for column in columns:
        drawn.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        drawn.add_row(*(_text(row.get(column, "")) for column in columns))
    return drawn


def _grid(record: Mapping[str, Any]) -> Table:
    drawn = Table.grid(padding=(0, 2))
    for key, value in record.items():
        drawn.add_row(key.replace("_", " "), _text(value))
    return drawn


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)

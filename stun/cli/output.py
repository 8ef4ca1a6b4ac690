"""What the command prints: with --json one object a line on standard output with stable keys, else text for people.

Errors and progress go to standard error. No key, passphrase or seed comes here: records are built of public values.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click


@dataclass(frozen=True)
class Output:
    """Where results go."""

    as_json: bool

    def record(self, record: Mapping[str, Any], text: str | None = None) -> None:
        """One result; `text` for people, else its keys and values."""
        if self.as_json:
            click.echo(json.dumps(record, sort_keys=True))
        elif isinstance(text, str):
            click.echo(text)
        else:
            click.echo("\n".join(f"{key.replace('_', ' '):22}{_text(value)}" for key, value in record.items()))

    def rows(self, name: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str], empty: str) -> None:
        """A list of results."""
        if self.as_json:
            click.echo(json.dumps({name: list(rows)}, sort_keys=True))
        elif not rows:
            click.echo(empty)
        else:
            click.echo(table(rows, columns))

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


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Rows as aligned columns; nothing is cut, so that ids can be copied."""
    lines = [[column.replace("_", " ") for column in columns]]
    lines += [[_text(row.get(column, "")) for column in columns] for row in rows]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def _text(value: Any) -> str:
    """A value on one line; what strangers wrote cannot move the cursor."""
    text = value if isinstance(value, str) else json.dumps(value)
    return "".join(letter if letter.isprintable() else "?" for letter in text)

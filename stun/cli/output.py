"""What a command prints: one JSON document, or tables and sentences that fit 80 columns.

Amounts in JSON are decimal text of smallest units, ids 0x-hex. Text from strangers (names of models, refusals) is
stripped of control characters and never read as markup.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

SHORT = 12


def stdout() -> Console:
    """The console for results."""
    return Console(file=sys.stdout, highlight=False, soft_wrap=False, emoji=False)


def stderr() -> Console:
    """The console for progress and errors."""
    return Console(file=sys.stderr, highlight=False, emoji=False)


def print_json(document: Any, stream: Any = None) -> None:
    """Print a document."""
    (stream or sys.stdout).write(json.dumps(document, indent=2) + "\n")


def clean(text: str, most: int = 60) -> str:
    """Text of strangers as one printable line of bounded length."""
    line = "".join(character if character.isprintable() else "?" for character in text)
    return line if len(line) <= most else line[: most - 3] + "..."


def short(value: bytes) -> str:
    """The beginning of an id, which commands take as well."""
    return "0x" + value.hex()[:SHORT]


def hexed(value: bytes) -> str:
    """Bytes as text."""
    return "0x" + value.hex()


def address(account: bytes) -> str:
    """An account as its chain writes it: 20 bytes where it is padded, else 32."""
    return hexed(account[12:] if account[:12] == bytes(12) else account)


def facts(rows: Mapping[str, RenderableType]) -> Table:
    """Names and values, one a line; long values go on in the next line."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(name, Text(value) if isinstance(value, str) else value)
    return table


def listing(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()) -> Table:
    """A table whose cells fold instead of being cut."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in columns:
        table.add_column(name, overflow="fold", justify="right" if name in right else "left")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table

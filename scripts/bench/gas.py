"""Gas of the market, cold, from transactions on a real node: `python -m scripts.bench.gas --help`."""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.bench.gas_chain import gas_chain
from scripts.bench.gas_lives import play_all

SNAPSHOT = Path(__file__).resolve().parents[2] / "tests" / "gas" / "snapshot.json"
TOLERANCE_BPS = 50  # zero bytes in digests and signatures differ from node to node
FIGURES = {
    "gas_life_1": "life_1",
    "gas_life_3": "life_3",
    "gas_life_accepted": "life_accepted",
    "gas_resolve": "resolve_1_of_1024",
    "gas_beacon_round": "beacon_round",
}

Measured = dict[str, dict[str, int]]


def measure(node: str = "auto") -> Measured:
    """Play everything on a fresh node; return `gas` by action and `code_bytes` by contract."""
    with gas_chain(node) as chain:
        play_all(chain)
        return {"gas": dict(sorted(chain.gas.items())), "code_bytes": dict(sorted(chain.code_bytes.items()))}


def changes(measured: Measured, snapshot: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Say what differs from the snapshot: gas by more than the tolerance, code sizes at all, names on one side only."""
    said = []
    for kind, tolerance in (("gas", TOLERANCE_BPS), ("code_bytes", 0)):
        new, old = measured[kind], snapshot.get(kind, {})
        for name in sorted({*new, *old}):
            before, after = old.get(name), new.get(name)
            if before is None or after is None or abs(after - before) * 10_000 > before * tolerance:
                said.append(f"{kind} {name}: {before} -> {after}")
    return said


def figures(measured: Measured) -> dict[str, int]:
    """Return one flat record: the headline figures first, then every action and every contract."""
    gas = measured["gas"]
    headline = {name: gas[action] for name, action in FIGURES.items()}
    rest = {f"gas_{name}": used for name, used in gas.items()}
    sizes = {f"code_bytes_{name}": size for name, size in measured["code_bytes"].items()}
    return headline | rest | sizes


def read_snapshot() -> dict[str, Any]:
    """Return the committed snapshot, empty if there is none."""
    loaded: dict[str, Any] = json.loads(SNAPSHOT.read_text()) if SNAPSHOT.is_file() else {}
    return loaded


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")


def _table(measured: Measured) -> None:
    for kind, values in measured.items():
        _write(f"{kind}")
        for name, value in values.items():
            _write(f"  {name:<40}{value:>12,}")


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; exit code 1 if `--check` finds a change."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--node", choices=("auto", "anvil", "embedded"), default="auto")
    parser.add_argument("--json", action="store_true", help="print all figures as one JSON object in the last line")
    parser.add_argument("--check", action="store_true", help="fail if a figure differs from tests/gas/snapshot.json")
    parser.add_argument("--update", action="store_true", help="write tests/gas/snapshot.json")
    chosen = parser.parse_args(arguments)
    measured = measure(chosen.node)
    _table(measured)
    if chosen.update:
        SNAPSHOT.write_text(json.dumps(measured, indent=1) + "\n")
    said = changes(measured, read_snapshot()) if chosen.check else []
    for change in said:
        _write(f"changed: {change}")
    if chosen.json:
        _write(json.dumps(figures(measured)))
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())

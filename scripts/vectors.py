"""Write the shared vectors to tests/conformance/vectors/ (`python -m scripts.vectors`), or `--check` them.

They come from the specification and are what contracts and libraries in other languages are tested against.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scripts.conformance.beacon import beacon_vectors
from scripts.conformance.graph import graph_vectors
from scripts.conformance.messages import message_vectors, nonce_vectors
from scripts.conformance.numbers import config_vectors, money_vectors, reputation_vectors
from scripts.conformance.traces import trace_vectors
from scripts.conformance.trees import resolution_vectors, tree_vectors

FOLDER = Path(__file__).resolve().parents[1] / "tests" / "conformance" / "vectors"
MAKERS: dict[str, Callable[[], dict[str, Any]]] = {
    "beacon": beacon_vectors,
    "config": config_vectors,
    "graph": graph_vectors,
    "messages": message_vectors,
    "money": money_vectors,
    "nonces": nonce_vectors,
    "reputation": reputation_vectors,
    "resolutions": resolution_vectors,
    "traces": trace_vectors,
    "trees": tree_vectors,
}


def text_of(name: str) -> str:
    """Return a vector file as it has to be."""
    return json.dumps(MAKERS[name](), indent=1, ensure_ascii=True) + "\n"


def stale() -> list[str]:
    """Return the names of the files that are missing or differ from the specification."""
    paths = {name: FOLDER / f"{name}.json" for name in MAKERS}
    return [name for name, path in paths.items() if not path.is_file() or path.read_text() != text_of(name)]


def main(arguments: list[str] | None = None) -> int:
    """Write or check the files; exit code 1 if a check finds a stale one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is not current")
    if parser.parse_args(arguments).check:
        found = stale()
        sys.stdout.write("".join(f"stale: {name}.json\n" for name in found))
        return 1 if found else 0
    FOLDER.mkdir(exist_ok=True)
    for name in MAKERS:
        (FOLDER / f"{name}.json").write_text(text_of(name))
        sys.stdout.write(f"{FOLDER / name}.json\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

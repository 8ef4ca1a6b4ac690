"""Class `exact` beside the float model: speed of each path, the trace on demand, memory.

Run from the repository root: `python -m scripts.bench.exact`. The last line is one JSON object. One thread everywhere;
the float model is torch's float32 with the same weights (make torch), without it the speed ratios are null. Times are
the best of rounds in which everything takes its turn. Ratios: requests a second against torch at 16 tokens
(`speed_portable_ratio`: the worse of 1 and 32 requests at once) and at 16 and 128 tokens (`speed_native_ratio`: the
worst of all packs); a task's whole trace, run again and hashed, against one native inference (`trace_ratio`, and
`trace_plain_ratio` with plain Python's hashing): the worse of 16 and 128 tokens.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from stun.models.exact.engine import Engine
from stun.models.exact.hashing import Hasher, PlainHasher, native_hasher
from stun.models.exact.paths import NATIVE, PORTABLE, choose_path
from stun.models.quantize.shipped import shipped_float_model, shipped_graph
from stun.protocol.graph.file import decode_graph
from stun.protocol.graph.structure import Graph
from stun.protocol.graph.trace import trace_tree
from stun.provider.runners.base import RuntimeMissing
from stun.provider.runners.bert_torch import load_bert

PACKS = ((16, 1), (16, 32), (128, 1), (128, 8))  # tokens of a request, requests at once
ROUNDS = 12
ACCOUNT = b"\x11" * 32
WORDS = 30_522
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}

Ids = NDArray[np.int64]
Runner = Callable[[Ids], object]


def measure() -> dict[str, Any]:
    """All figures, each from a process of its own with one thread."""
    found = _in_process("speed")
    for path in (PORTABLE, NATIVE):
        found[f"memory_{path}_mb"] = _in_process(path)["memory_mb"]
    return found


def speeds() -> dict[str, Any]:
    """Requests a second of every path and pack, the ratios, and the trace."""
    graph = decode_graph(shipped_graph().read_bytes())
    runners = _runners(graph)
    rates = {pack: _rates(runners, *pack) for pack in PACKS}
    found: dict[str, Any] = {
        f"requests_{name}_{tokens}x{tasks}": round(rate, 1)
        for (tokens, tasks), each in rates.items()
        for name, rate in each.items()
    }
    short = [pack for pack in PACKS if pack[0] == 16]
    return found | {
        "speed_portable_ratio": _worst_ratio(rates, PORTABLE, short),
        "speed_native_ratio": _worst_ratio(rates, NATIVE, list(PACKS)),
        **_traces(graph),
    }


def _runners(graph: Graph) -> dict[str, Runner]:
    runners: dict[str, Runner] = {}
    for path in (PORTABLE, NATIVE):
        runners[path] = partial(_run, Engine(graph, choose_path(path).backend))
    files = shipped_float_model()
    try:
        runners["torch"] = load_bert(files.weights, files.config)
        import torch

        torch.set_num_threads(1)
    except RuntimeMissing:
        click.echo("torch is not installed: no ratios (make torch)", err=True)
    return runners


def _run(engine: Engine, ids: Ids) -> object:
    return engine.run(ids[:, :, None])


def _rates(runners: dict[str, Runner], tokens: int, tasks: int) -> dict[str, float]:
    ids = np.random.default_rng(0).integers(1000, WORDS, (tasks, tokens))
    seconds = best_seconds({name: partial(run, ids) for name, run in runners.items()})
    return {name: tasks / each for name, each in seconds.items()}


def _worst_ratio(rates: dict[Any, dict[str, float]], path: str, packs: list[tuple[int, int]]) -> float | None:
    if "torch" not in rates[PACKS[0]]:
        return None
    return round(min(rates[pack][path] / rates[pack]["torch"] for pack in packs), 2)


def _traces(graph: Graph) -> dict[str, Any]:
    """The trace of one task, run again and hashed, in inferences."""
    engine = Engine(graph, choose_path(NATIVE).backend)
    hashers: dict[str, Hasher] = {"trace_ratio": native_hasher(graph), "trace_plain_ratio": PlainHasher(graph)}
    worst = dict.fromkeys(hashers, 0.0)
    for tokens in (16, 128):
        inputs = np.random.default_rng(0).integers(1000, WORDS, (1, tokens, 1))
        calls = {name: _tracing(hasher, engine, inputs) for name, hasher in hashers.items()}
        seconds = best_seconds({"run": partial(engine.run, inputs), **calls})
        worst = {name: max(each, seconds[name] / seconds["run"]) for name, each in worst.items()}
    return {name: round(each, 2) for name, each in worst.items()}


def _tracing(hasher: Hasher, engine: Engine, inputs: Ids) -> Callable[[], object]:
    return lambda: trace_tree(ACCOUNT, hasher.trace(engine, inputs)).root


def best_seconds(calls: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Least seconds of each call, all of them taking turns."""
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(ROUNDS):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            best[name] = min(best[name], time.perf_counter() - start)
    return best


def memory(path: str) -> dict[str, Any]:
    """Peak resident megabytes of a process that loads the model and embeds a request of 128 tokens."""
    engine = Engine(decode_graph(shipped_graph().read_bytes()), choose_path(path).backend)
    engine.run(np.random.default_rng(0).integers(1000, WORDS, (8, 128, 1)))
    return {"memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)}


def _in_process(part: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "scripts.bench.exact", "--part", part]
    ran = subprocess.run(command, env={**os.environ, **ONE_THREAD}, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return result


@click.command()
@click.option(
    "--part", type=click.Choice(["all", "speed", PORTABLE, NATIVE]), default="all", help="One process's part."
)
def main(part: str) -> None:
    """Print the figures as one JSON object."""
    found = measure() if part == "all" else speeds() if part == "speed" else memory(part)
    click.echo(json.dumps(found))


if __name__ == "__main__":
    main()

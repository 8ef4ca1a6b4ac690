"""Gas of the referees about the shipped model, each a cold transaction: `python -m scripts.bench.gas_referee`."""

import argparse
import json
import sys
from functools import cache
from pathlib import Path

import numpy as np

from scripts.bench.gas import Measured, changes
from scripts.bench.gas_chain import GasChain, gas_chain
from stun.chains.evm.deployments import deploy
from stun.chains.evm.market_contracts import interface
from stun.models.quantize.shipped import shipped_graph
from stun.protocol.graph.arrays import to_tensor
from stun.protocol.graph.evidence import element_evidence
from stun.protocol.graph.executor import execute
from stun.protocol.graph.file import decode_graph
from stun.protocol.graph.operators import Opcode
from stun.protocol.graph.structure import Graph
from stun.protocol.graph.tensors import Dtype, Tensor, root_of
from stun.protocol.trees.merkle import DIGEST_BYTES

SNAPSHOT = Path(__file__).resolve().parents[2] / "tests" / "gas" / "referees.json"
NAMES = ("RefereeLinear", "RefereeRow")
TOKENS = (128, 256)  # a long text, and the most that the model takes


@cache
def model() -> Graph:
    """Return the shipped model."""
    return decode_graph(shipped_graph().read_bytes())


@cache
def outputs(tokens: int) -> tuple[Tensor, ...]:
    """Return every operator's output for some input."""
    ids = np.random.default_rng(1).integers(1_000, 30_000, (tokens, 1))
    return execute(model(), to_tensor(ids, Dtype.INT32))


def kinds() -> dict[str, int]:
    """Return the first operator of each kind: opcode and mode, columns of its first input and of its output."""
    found: dict[str, int] = {}
    for operator in model().operators[1:]:
        into = outputs(TOKENS[0])[operator.a].shape.cols if operator.predecessors else 0
        name = f"{Opcode(operator.opcode).name.lower()}_{operator.mode}"
        found.setdefault(f"{name}_{into}_{outputs(TOKENS[0])[operator.index].shape.cols}", operator.index)
    return found


def question(tokens: int, index: int) -> bytes:
    """Return the call that asks about the middle element of an operator's true output."""
    tensors = outputs(tokens)
    operator, shape = model().operators[index], tensors[index].shape
    roots = [root_of(tensors[i]) for i in operator.predecessors] + [bytes(DIGEST_BYTES)] * 2
    evidence = element_evidence(model(), tensors, index, shape.rows // 2, shape.cols // 2)
    function = interface(referee_of(index)).function("is_wrong")
    return function.encode(operator.encode(), tokens, roots[:2], root_of(tensors[index]), model().weight_root, evidence)


def referee_of(index: int) -> str:
    """Return the contract that judges an operator."""
    return NAMES[0] if model().operators[index].is_linear else NAMES[1]


def play(chain: GasChain) -> Measured:
    """Ask about one element of each kind of operator and return what each transaction cost, and the code's size."""
    sender = chain.newcomer.writer.sender
    at = {name: deploy(sender, chain.market.reader, name).address for name in NAMES}
    gas, code = {}, {}
    for tokens in TOKENS:
        for name, index in kinds().items():
            intent = sender.submit(chain.key(), at[referee_of(index)], question(tokens, index))
            gas[f"{name}_of_{tokens}"] = chain.spend(f"referee_{name}_of_{tokens}", chain.newcomer, intent)
    for name, address in at.items():
        code[name] = len(chain.node.w3.eth.get_code(address))  # type: ignore[arg-type]
    return {"gas": gas, "code_bytes": code}


def measure(node: str = "auto") -> Measured:
    """Play on a fresh node."""
    with gas_chain(node) as chain:
        return play(chain)


def read_snapshot() -> Measured:
    """Return the committed snapshot, empty if there is none."""
    loaded: Measured = json.loads(SNAPSHOT.read_text()) if SNAPSHOT.is_file() else {}
    return loaded


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; exit code 1 if `--check` finds a change."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail if a figure differs from tests/gas/referees.json")
    parser.add_argument("--update", action="store_true", help="write tests/gas/referees.json")
    chosen = parser.parse_args(arguments)
    measured = measure()
    if chosen.update:
        SNAPSHOT.write_text(json.dumps(measured, indent=1) + "\n")
    for values in measured.values():
        for name, value in values.items():
            sys.stdout.write(f"{name:<40}{value:>12,}\n")
    said = changes(measured, read_snapshot()) if chosen.check else []
    for change in said:
        sys.stdout.write(f"changed: {change}\n")
    sys.stdout.write(json.dumps({"gas_referee_max": max(measured["gas"].values())}) + "\n")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())

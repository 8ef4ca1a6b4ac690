"""The trace of one task, made when it is demanded: the root of every operator's output under one root.

Leaf data `account 32 | op_index u32 | output_root`, tag OPS: bound to who answers, so a trace cannot be copied. An
operator's inputs are its predecessors' output roots. Source: PROTOCOL.md section 9.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from stun.protocol.errors import require
from stun.protocol.graph.tensors import Opening, Tensor, TensorTree, root_of
from stun.protocol.trees.merkle import DIGEST_BYTES, MerkleTree
from stun.protocol.trees.tags import OPS

ERR_ACCOUNT: Final = "graph: account"


def operator_data(account: bytes, op_index: int, output_root: bytes) -> bytes:
    """Return what the trace's leaf of one operator holds."""
    return account + op_index.to_bytes(4, "big") + output_root


def trace_tree(account: bytes, output_roots: Sequence[bytes]) -> MerkleTree:
    """Build the trace tree of an account (32 bytes) over the operators' output roots. Errors: "graph: account"."""
    require(len(account) == DIGEST_BYTES, ERR_ACCOUNT)
    return MerkleTree(OPS, [operator_data(account, index, root) for index, root in enumerate(output_roots)])


@dataclass(frozen=True)
class Trace:
    """One account's trace of one task, with every output, so that anything in it can be opened.

    Errors when its tree is made: "graph: account".
    """

    account: bytes
    outputs: tuple[Tensor, ...]

    @cached_property
    def output_roots(self) -> tuple[bytes, ...]:
        """Root of each operator's output; the first is the task's input root, the last the public output digest."""
        return tuple(root_of(tensor) for tensor in self.outputs)

    @cached_property
    def tree(self) -> MerkleTree:
        """The trace tree."""
        return trace_tree(self.account, self.output_roots)

    @property
    def root(self) -> bytes:
        """The trace root."""
        return self.tree.root

    @property
    def output_digest(self) -> bytes:
        """What the result's leaf of a public task holds."""
        return self.output_roots[-1]

    def prove_operator(self, index: int) -> tuple[bytes, ...]:
        """Return the path of one operator's leaf. Errors: "trees: index"."""
        return self.tree.prove(index)

    def open_row(self, index: int, row: int) -> Opening:
        """Open one row of one operator's output. Errors: "tensors: row"."""
        return TensorTree(self.outputs[index]).open(row)

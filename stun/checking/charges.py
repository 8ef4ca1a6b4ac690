"""A charge: one task of one replica, run again by the specification, and all that a dispute about it carries.

A search: a replica that withholds its results and has a wrong one among them, nobody knows which.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from stun.checking.errors import CheckingError
from stun.checking.material import Material, Sources, find_top_node
from stun.protocol.court.actions import Leaf, Spec
from stun.protocol.court.state import Case
from stun.protocol.graph.executor import execute
from stun.protocol.graph.structure import Graph, units_of
from stun.protocol.graph.tensors import decode_tensor
from stun.protocol.graph.trace import Trace
from stun.protocol.market.state import Terms
from stun.protocol.messages import Order
from stun.protocol.trees.results import Node, Result, ResultsTree


class NothingToCharge(CheckingError):
    """There is no such replica or task, it shows no result, or its result is right."""


@dataclass(frozen=True)
class Charge:
    """A doubted task. `own`: the challenger's trace under the replica's account, computed by the specification.

    `leaf`: the replica's result with its path, where it is published; else `top`: the top node of its results, from
    which it is demanded. With neither nothing can be demanded.
    """

    batch_id: bytes
    terms: Terms
    order: Order
    replica: int
    task: int
    graph: Graph
    own: Trace
    spec: Spec
    private: bool
    leaf: Leaf | None
    top: Node | None

    @property
    def name(self) -> str:
        """What tells this charge from others in stores and keys."""
        return f"{self.batch_id.hex()}:{self.replica}:{self.task}"

    @property
    def expected(self) -> Result:
        """The right result (of a public task)."""
        return Result(self.own.output_digest, units_of(self.graph.header, self.own.outputs[0].shape.rows))

    def case(self, result: Result) -> Case:
        """The case about a result of the replica, as the court proves it."""
        graph = self.graph
        return Case(
            self.batch_id, self.replica, self.task, graph.header.op_count, self.spec.input_root,
            result.output_digest, result.units, graph.graph_root, graph.weight_root, self.private,
        )  # fmt: skip


@dataclass(frozen=True)
class Search:
    """A replica whose root is not the one that the whole batch makes, and that withholds its results: one is wrong.

    `own` are the right results of every task, `top` is the top node of the replica's.
    """

    batch_id: bytes
    terms: Terms
    order: Order
    replica: int
    own: ResultsTree
    top: Node | None

    @property
    def name(self) -> str:
        """What tells this search from charges in stores and keys."""
        return f"{self.batch_id.hex()}:{self.replica}:any"


def make_search(sources: Sources, material: Material, replica: int, expected: Mapping[int, Result | None]) -> Search:
    """Search a replica whose results are withheld; `expected` are all tasks, run again.

    Errors: NothingToCharge (its results are published, or its root is right, or the batch was not run whole).
    """
    claim, count = material.claim(replica), material.terms.count
    known = [result for task in range(count) if (result := expected.get(task)) is not None]
    if claim is None or claim.tree is not None or len(known) < count or material.tasks.private:
        raise NothingToCharge(
            f"replica {replica}: a search needs withheld results of public tasks, all of them run again"
        )
    own = ResultsTree(known)
    if (own.root, own.total_units) == (claim.outputs_root, claim.total_units):
        raise NothingToCharge(f"the root of replica {replica} is right, and so is all of its results")
    top = find_top_node(sources, material, claim)
    return Search(material.batch_id, material.terms, material.tasks.order, replica, own, top)


def make_charge(sources: Sources, material: Material, replica: int, task: int) -> Charge:
    """Run a task again by the specification, which no fast path can be wrong about, and make the charge.

    Errors: NothingToCharge, Rejected (the model refuses the input), PoolError, ChainError.
    """
    claim, tasks = material.claim(replica), material.tasks
    if claim is None:
        raise NothingToCharge(f"replica {replica} of batch 0x{material.batch_id.hex()} shows no result")
    if not 0 <= task < material.terms.count:
        raise NothingToCharge(f"task {task} is not among the {material.terms.count} of the batch")
    graph, tree = material.model.graph, claim.tree
    own = Trace(claim.provider, execute(graph, decode_tensor(tasks.package.inputs[task])))
    leaf = None
    if tree is not None:
        result = tree.results[task]
        leaf = Leaf(task, result.output_digest, result.units, tree.prove(task))
    charge = Charge(
        material.batch_id, material.terms, tasks.order, replica, task, graph, own, tasks.spec(task), tasks.private,
        leaf, None if leaf is not None else find_top_node(sources, material, claim),
    )  # fmt: skip
    if leaf is not None and not tasks.private and Result(leaf.output_digest, leaf.units) == charge.expected:
        raise NothingToCharge(f"the result of task {task} of replica {replica} is right")
    return charge

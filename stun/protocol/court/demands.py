"""Demands: who doubts asks a replica to open a committed node; who does not answer in time is convicted."""

from dataclasses import dataclass

from stun.protocol.court import actions
from stun.protocol.court.draft import GWEI, Draft, require_exact
from stun.protocol.court.state import Case, Demand, Kind, Stage, Standing
from stun.protocol.court.unfolding import DEPTH, TENSOR_DEPTH, Unfolded, height, unfold
from stun.protocol.errors import require
from stun.protocol.graph.tensors import leaf_count
from stun.protocol.market.state import Batch
from stun.protocol.messages import FLAG_PRIVATE
from stun.protocol.trees.merkle import crown, verify
from stun.protocol.trees.results import Node, Result, verify_result
from stun.protocol.trees.specs import spec_digest
from stun.protocol.trees.tags import GRAPH, RESULTS, SPECS


@dataclass(frozen=True, slots=True)
class _Subject:
    """What a demand asks about; the fields of Demand."""

    batch_id: bytes
    replica: int
    kind: Kind
    subject: bytes
    units: int
    task: int
    operator: int
    level: int
    position: int
    count: int


def demand_top(draft: Draft, action: actions.DemandTop) -> None:
    """Ask for the upper nodes of a results tree; the top node makes with the count the outputs root.

    Errors: those of `_open`, "court: root" (not the replica's result).
    """
    batch = draft.batch(action.batch_id, action.replica)
    count = batch.terms.count
    claim = (crown(RESULTS, count, action.top), action.units)
    require(batch.replicas[action.replica].claim == claim, "court: root")
    place = action.batch_id, action.replica
    subject = _Subject(*place, Kind.RESULTS, action.top, action.units, 0, 0, height(count), 0, count)
    _open(draft, batch, subject, None, action.value)


def demand_below(draft: Draft, action: actions.DemandBelow) -> None:
    """Ask about a node that an answer showed. Of a trace's leaf that is the operator's output, of a tensor's its bytes.

    Errors: those of `_follow` and `_open`, "court: item" (a result, which is open; a shape that no tensor has).
    """
    parent = action.parent.demand
    batch = draft.batch(parent.batch_id, parent.replica)
    below, node = _follow(draft, batch, action.parent)
    place, position = (parent.batch_id, parent.replica), below.first + action.parent.item
    if parent.kind == Kind.RESULTS:
        require(below.level > 0, "court: item")
        subject = _Subject(*place, Kind.RESULTS, *node, 0, 0, below.level, position, parent.count)
    elif parent.kind in (Kind.TRACE, Kind.OPERATORS):
        task = parent.task
        if below.level:
            subject = _Subject(*place, Kind.OPERATORS, node[0], 0, task, 0, below.level, position, parent.count)
        else:
            subject = _Subject(*place, Kind.TENSOR, node[0], 0, task, position, 0, 0, 0)
    else:
        count = _leaves(action.parent)
        require(count > 0, "court: item")
        kind = Kind.ROWS if below.level else Kind.ROW
        subject = _Subject(*place, kind, node[0], 0, parent.task, parent.operator, below.level, position, count)
    _open(draft, batch, subject, action.parent, action.value)


def demand_trace(draft: Draft, action: actions.DemandTrace) -> None:
    """Ask for the trace of one task, and prove everything that a dispute about it rests on.

    Errors: those of `_open`, "court: class", "court: order" (not the batch's), "court: graph" (not the model's),
    "trees: path" (spec or leaf), "court: root", "court: repeated" (demanded before).
    """
    batch = draft.batch(action.batch_id, action.replica)
    require_exact(batch)
    order = action.order
    require(order.digest(draft.market.domain) == action.batch_id, "court: order")
    task, result = _leaf(draft, batch, action)
    spec = action.spec
    digest = spec_digest(spec.input_root, spec.params_digest, spec.json_digest)
    verify(SPECS, order.specs_root, order.count, task, digest, spec.path)
    model = draft.market.models[order.model_id]
    require(action.op_count > 0, "court: graph")
    require(crown(GRAPH, action.op_count + 1, action.graph_top) == model.graph_root, "court: graph")
    case = Case(
        batch_id=action.batch_id,
        replica=action.replica,
        task=task,
        op_count=action.op_count,
        input_root=spec.input_root,
        output_digest=result.output_digest,
        units=result.units,
        graph_root=model.graph_root,
        weight_root=model.weight_root,
        private=bool(order.flags & FLAG_PRIVATE),
    )
    key = (action.batch_id, action.replica, task)
    require(key not in draft.court.traces, "court: repeated")
    draft.put_trace(key, b"")
    level, units = height(action.op_count), result.units
    subject = _Subject(*key[:2], Kind.TRACE, case.digest(), units, task, 0, level, 0, action.op_count)
    _open(draft, batch, subject, action.parent, action.value, order.task_seconds)


def _leaves(parent: actions.Parent) -> int:
    """Return how many leaves the tree of an answer has; 0 for a shape that no tensor has."""
    return parent.demand.count if parent.shape is None else leaf_count(parent.shape)


def _unfolded(parent: actions.Parent) -> Unfolded:
    demand = parent.demand
    if demand.kind == Kind.TENSOR:
        count = _leaves(parent)
        return unfold(count, height(count), 0, TENSOR_DEPTH) if count else Unfolded(0, 0, 1)
    most = TENSOR_DEPTH if demand.kind == Kind.ROWS else DEPTH
    return unfold(demand.count, demand.level, demand.position, most)


def _leaf(draft: Draft, batch: Batch, action: actions.DemandTrace) -> tuple[int, Result]:
    """Return a task and its result, proven by a path under the replica's root or shown by an answer."""
    leaf = action.leaf
    if leaf is not None:
        require(action.parent is None, "court: parent")
        result = Result(leaf.output_digest, leaf.units)
        outputs_root, total_units = batch.replicas[action.replica].claim
        total = verify_result(outputs_root, batch.terms.count, leaf.task, result, leaf.path)
        require(total == total_units, "court: root")
        return leaf.task, result
    require(action.parent is not None, "court: parent")
    assert action.parent is not None
    asked = action.parent.demand
    place = (asked.kind, asked.batch_id, asked.replica)
    require(place == (Kind.RESULTS, action.batch_id, action.replica), "court: parent")
    below, node = _follow(draft, batch, action.parent)
    require(below.level == 0, "court: item")
    return below.first + action.parent.item, Result(*node)


def _follow(draft: Draft, batch: Batch, parent: actions.Parent) -> tuple[Unfolded, Node]:
    """Return where an answer's nodes stand and the one asked about.

    Anybody may follow any answer until the window ends, and for follow_seconds after it was given: a trace is demanded
    once only, so a cheat's friend could else ask early and shield the task. Errors: "court: unknown", "court: parent"
    (not answered, or with other nodes), "court: late", "court: chain" (too many links), "court: item".
    """
    demand, standing = parent.demand, draft.standing(parent.demand)
    require(standing.stage == Stage.ANSWERED, "court: parent")
    require((standing.nodes, standing.shape) == (parent.nodes, parent.shape), "court: parent")
    follow_by = standing.answered_at + draft.duty(batch, "follow_seconds")
    require(draft.chain.now < max(follow_by, batch.window_end), "court: late")
    require(demand.links + 1 < draft.duty(batch, "chain_max"), "court: chain")
    require(0 <= parent.item < len(parent.nodes), "court: item")
    return _unfolded(parent), parent.nodes[parent.item]


def _open(
    draft: Draft, batch: Batch, subject: _Subject, parent: actions.Parent | None, value: int, task_seconds: int = 0
) -> None:
    """Register a demand: its deposit, when the answer is due, and the hold that leaves time to expire it.

    Errors: "court: late" (a first demand after the window), "court: deposit", "court: repeated".
    """
    if parent is None:
        require(draft.chain.now < batch.window_end, "court: late")
    counted = draft.counted(subject.batch_id, subject.replica)
    due = draft.chain.now + draft.duty(batch, "answer_seconds")
    is_trace = subject.kind == Kind.TRACE
    if is_trace:
        due += 2 * task_seconds * (counted.traces + 1)
    demand = Demand(
        batch_id=subject.batch_id,
        replica=subject.replica,
        provider=batch.terms.casts[subject.replica].provider,
        asker=draft.sender,
        kind=subject.kind,
        subject=subject.subject,
        units=subject.units,
        task=subject.task,
        operator=subject.operator,
        level=subject.level,
        position=subject.position,
        count=subject.count,
        links=0 if parent is None else parent.demand.links + 1,
        deposit=_deposit(draft, batch, counted.total + 1, is_trace),
        due=due,
    )
    require(demand not in draft.court.demands, "court: repeated")
    draft.take(value, demand.deposit)
    draft.put(demand, Standing())
    draft.count(demand, 1, int(is_trace))
    draft.hold(subject.batch_id, due + draft.duty(batch, "follow_seconds"))
    draft.emit("Demanded", demand=demand)


def _deposit(draft: Draft, batch: Batch, place: int, is_trace: bool) -> int:
    """Return the deposit of the `place`-th demand open on a replica: it pays the answer's gas twice over."""
    gas = draft.duty(batch, "answer_gas") * (2 if is_trace else 1)
    return place * (draft.duty(batch, "answer_floor_gwei") * GWEI + 2 * gas * draft.chain.basefee)

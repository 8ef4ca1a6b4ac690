"""What the court's events show about one replica, and where the nodes of an answer stand."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from stun.protocol.court.actions import Parent
from stun.protocol.court.state import Demand, Kind
from stun.protocol.court.unfolding import DEPTH, TENSOR_DEPTH, Unfolded, height, unfold
from stun.protocol.graph.tensors import Shape, leaf_count
from stun.protocol.trees.results import Node

NO_CIPHER = bytes(32)


@dataclass(frozen=True, slots=True)
class Seen:
    """One demand, by whomever, and its answer; `answered` is False while it waits.

    `nodes` and `shape` are what the answer opened, `leaf` the bytes of a ROW, `cipher_root` that of a TRACE.
    """

    demand: Demand
    answered: bool = False
    nodes: tuple[Node, ...] = ()
    shape: Shape | None = None
    leaf: bytes = b""
    cipher_root: bytes = NO_CIPHER

    @property
    def hashes(self) -> list[bytes]:
        """The answer's nodes without units."""
        return [node[0] for node in self.nodes]

    @property
    def below(self) -> Unfolded:
        """Where the answer's nodes stand."""
        demand = self.demand
        if demand.kind == Kind.TENSOR:
            count = leaf_count(self.shape) if self.shape is not None else 0
            return unfold(count, height(count), 0, TENSOR_DEPTH) if count else Unfolded(0, 0, 1)
        most = TENSOR_DEPTH if demand.kind == Kind.ROWS else DEPTH
        return unfold(demand.count, demand.level, demand.position, most)

    def parent(self, item: int) -> Parent:
        """Return what a demand carries that asks about one of the nodes."""
        return Parent(self.demand, self.nodes, item, self.shape)


def find(seen: Iterable[Seen], fits: Callable[[Demand], bool]) -> Seen | None:
    """Return a demand that was answered, else one that waits, else None."""
    found = [item for item in seen if fits(item.demand)]
    return next((item for item in found if item.answered), found[0] if found else None)


class Record:
    """The court's events so far, as demands and their answers."""

    def __init__(self) -> None:
        self.demands: dict[Demand, Seen] = {}

    @property
    def seen(self) -> list[Seen]:
        """Every demand, in the order in which it was made."""
        return list(self.demands.values())

    def take(self, name: str, fields: Mapping[str, Any]) -> None:
        """Take the next event, by the specification's name and fields; others than the court's are ignored."""
        if name == "Demanded":
            self.demands[fields["demand"]] = Seen(fields["demand"])
        elif name == "Answered":
            self._change(fields["demand"], answered=True, nodes=fields["nodes"], shape=fields["shape"])
        elif name == "RowOpened":
            self._change(fields["demand"], leaf=fields["leaf"])
        elif name == "TraceCommitted":
            place = (Kind.TRACE, fields["batch_id"], fields["provider"], fields["task"])
            for demand in self.demands:
                if (demand.kind, demand.batch_id, demand.provider, demand.task) == place:
                    self._change(demand, cipher_root=fields["cipher_root"])

    def _change(self, demand: Demand, **changes: Any) -> None:
        self.demands[demand] = replace(self.demands[demand], **changes)

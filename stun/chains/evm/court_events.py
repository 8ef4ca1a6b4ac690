"""The court's logs as the specification's events.

An answer's log names its demand by the contract's key; the demand itself is taken from the log that made it.
"""

from collections.abc import Callable, Iterable
from typing import Any

from stun.chains.evm import court_encoding as encoding
from stun.chains.evm.addresses import widen
from stun.chains.evm.endpoint import Log
from stun.chains.evm.market_contracts import interface
from stun.chains.interface import ChainError
from stun.chains.market import ChainEvent
from stun.protocol.court.state import Demand, Kind
from stun.protocol.graph.tensors import Shape

VERDICTS = {
    encoding.Verdict.BAD_INPUT: "BadInput",
    encoding.Verdict.BAD_OUTPUT: "BadOutput",
    encoding.Verdict.BAD_UNITS: "BadUnits",
    encoding.Verdict.BAD_STEP: "BadStep",
    encoding.Verdict.EQUIVOCATION: "Equivocation",
}


class DemandUnknown(ChainError):
    """A log answers a demand that no earlier log made: the endpoint left logs out."""


class CourtLog:
    """Decodes logs in the order of the chain; remembers the demands it saw."""

    def __init__(self) -> None:
        self._demands: dict[bytes, Demand] = {}
        self._rules: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "Demanded": self._demanded,
            "Answered": self._answered,
            "RowOpened": self._of_demand,
            "DemandExpired": self._of_demand,
            "DepositClaimed": self._claimed,
            "ChallengeAnnounced": self._announced,
            "ChallengeOpened": self._opened,
        }

    def decode(self, logs: Iterable[Log]) -> list[ChainEvent]:
        """Return the court's events among the logs. Errors: DemandUnknown, AbiMismatch."""
        known = interface("Court").events()
        found = []
        for log in logs:
            if not log.topics or log.topics[0] not in known:
                continue
            event = known[log.topics[0]]
            kinds = {name: kind for name, kind, _ in event.fields}
            values = {k: widen(v) if kinds[k] == "address" else v for k, v in event.decode(log).items()}
            fields = self._rules.get(event.name, dict)(values)
            where = (log.block_number, log.block_hash, log.log_index, log.transaction_hash)
            found.append(ChainEvent(event.name, fields, *where))
        return found

    def _demanded(self, values: dict[str, Any]) -> dict[str, Any]:
        demand = encoding.demand_from_tuple(values["demand"])
        self._demands[values["demand_id"]] = demand
        cases = [encoding.case_from_tuple(case) for case in values["case_"]]
        return {"demand": demand, "case": cases[0] if cases else None}

    def _of_demand(self, values: dict[str, Any]) -> dict[str, Any]:
        key = values.pop("demand_id")
        if key not in self._demands:
            raise DemandUnknown(f"no log made the demand 0x{key.hex()}")
        rest = {name: value for name, value in values.items() if name not in ("batch_id", "provider")}
        return {"demand": self._demands[key], **rest}

    def _answered(self, values: dict[str, Any]) -> dict[str, Any]:
        hashes, units = values.pop("nodes"), values.pop("units")
        shape = values.pop("shape")
        fields = self._of_demand(values)
        demand: Demand = fields["demand"]
        units = units if demand.kind == Kind.RESULTS else (0,) * len(hashes)
        opened = Shape(*shape) if demand.kind == Kind.TENSOR else None
        return {**fields, "nodes": tuple(zip(hashes, units, strict=True)), "shape": opened}

    def _claimed(self, values: dict[str, Any]) -> dict[str, Any]:
        fields = self._of_demand(values)
        return {"demand": fields["demand"], "receiver": fields["receiver"]}

    def _announced(self, values: dict[str, Any]) -> dict[str, Any]:
        return {"digest": values["digest"], "announcement": encoding.announcement_from_tuple(values["announcement"])}

    def _opened(self, values: dict[str, Any]) -> dict[str, Any]:
        kind = VERDICTS[encoding.Verdict(values["verdict"])]
        return {"digest": values["digest"], "kind": kind, "wrong": values["wrong"]}

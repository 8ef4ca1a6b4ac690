"""The shared vectors are current, complete enough to be replayed from the files alone, and reach every rule."""

import json
from collections import Counter
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from scripts.conformance.encoding import encode, outcome
from scripts.conformance.scene import START, record_of, start, state_digest
from scripts.vectors import FOLDER, MAKERS, main, stale
from stun.protocol.errors import Rejected
from stun.protocol.market import actions
from stun.protocol.market.step import step
from stun.protocol.messages import SIGNED, Domain
from stun.protocol.trees.resolve import Resolution, unpack_siblings, verify_resolution
from stun.protocol.trees.results import Result

pytestmark = pytest.mark.conformance

EVENTS = {
    "Deposited", "Withdrawn", "OperatorSet", "OrderCancelled", "BatchOpened", "Posted", "Committed", "Revealed",
    "ReplicaOut", "Resolved", "ResolveVoided", "Held", "Accepted", "Convicted", "Settled", "AuditAccountChanged",
}  # fmt: skip


@cache
def loaded(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text())


def decode(kind: Any, value: Any) -> Any:
    """Read a value of a type out of a vector."""
    if isinstance(kind, UnionType):
        plain = next(part for part in get_args(kind) if part is not NoneType)
        return None if value is None else decode(plain, value)
    if kind is bytes:
        return bytes.fromhex(value[2:])
    if kind is bool:
        return value
    if get_origin(kind) is tuple:
        return decode_tuple(get_args(kind), value)
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{f.name: decode(hints[f.name], value[f.name]) for f in fields(kind)})  # type: ignore[operator]
    return kind(int(value))


def decode_tuple(parts: tuple[Any, ...], value: list[Any]) -> tuple[Any, ...]:
    kinds = [parts[0]] * len(value) if parts[-1] is Ellipsis else parts
    return tuple(decode(part, item) for part, item in zip(kinds, value, strict=True))


def test_the_files_are_current() -> None:
    assert stale() == [], "run: python -m scripts.vectors"
    assert {path.stem for path in FOLDER.glob("*.json")} == set(MAKERS)


def test_a_stale_file_is_found(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(MAKERS, "nonces", lambda: {"nonces": []})
    assert main(["--check"]) == 1
    assert capsys.readouterr().out == "stale: nonces.json\n"


def test_a_domain_of_a_vector_has_its_separator() -> None:
    for values in loaded("messages")["domains"].values():
        domain = Domain(int(values["chain_id"]), decode(bytes, values["market"]), decode(bytes, values["salt"]))
        assert encode(domain.separator()) == values["separator"]


@pytest.mark.parametrize("kind", SIGNED)
def test_messages_are_rebuilt_from_the_file(kind: Any) -> None:
    entry = next(entry for entry in loaded("messages")["messages"] if entry["name"] == kind.__name__)
    assert len(entry["examples"]) == 6
    for example in entry["examples"]:
        domain = loaded("messages")["domains"][example["domain"]]
        known = Domain(int(domain["chain_id"]), decode(bytes, domain["market"]), decode(bytes, domain["salt"]))
        message = decode(kind, example["fields"])
        assert encode(message.digest(known)) == example["digest"]
        assert encode(message.struct_hash(known.evm)) == example["struct_hash"]


def test_evidence_is_judged_from_the_file_alone() -> None:
    cases = loaded("resolutions")["resolutions"] + loaded("resolutions")["forged"]
    for case in cases:
        leaves = tuple(decode(tuple[Result, ...], row) for row in case["leaves"])
        siblings = unpack_siblings(decode(bytes, case["siblings"]))
        evidence = Resolution(decode(tuple[int, ...], case["tasks"]), leaves, siblings)
        roots, totals = decode(tuple[bytes, ...], case["roots"]), decode(tuple[int, ...], case["totals"])
        answer = outcome(verify_resolution, int(case["count"]), roots, totals, evidence)
        assert answer == {key: case[key] for key in ("result", "error") if key in case}


def test_every_forgery_is_refused_with_its_code() -> None:
    forged = {case["forgery"]: case.get("error") for case in loaded("resolutions")["forged"]}
    assert forged == {
        "missing node": "resolve: siblings", "spare node": "resolve: siblings", "reversed nodes": "resolve: root",
        "forged units of a node": "resolve: root", "repeated index": "resolve: order",
        "unsorted indices": "resolve: order", "ghost index": "resolve: index", "no index": "resolve: empty",
        "missing leaves": "resolve: leaves", "swapped leaves": "resolve: root", "overflow": "resolve: overflow",
        "undisclosed difference": "resolve: siblings",
    }  # fmt: skip


@pytest.mark.parametrize("trace", loaded("traces")["traces"], ids=lambda trace: trace["name"])
def test_a_trace_is_replayed_from_the_file_alone(trace: Any) -> None:
    market, before = start(), START
    for said in trace["steps"]:
        now = int(said["now"])
        assert now >= before
        before = now
        action = decode(getattr(actions, said["action"]), said["fields"])
        code, events = None, ()
        try:
            market, events = step(market, action, now)
        except Rejected as refusal:
            code = refusal.code
        assert code == said.get("error")
        if code is None:
            assert [{"name": e.name, "fields": encode(e.fields)} for e in events] == said["events"]
            assert state_digest(market) == said["state"]
    assert record_of(market) == trace["final"]


def test_the_first_state_is_in_the_file() -> None:
    assert record_of(start()) == loaded("traces")["start"]["record"]


def test_the_traces_reach_every_action_event_and_rule() -> None:
    steps = [said for trace in loaded("traces")["traces"] for said in trace["steps"]]
    taken = Counter(said["action"] for said in steps if "events" in said)
    refused = Counter(said["action"] for said in steps if "error" in said)
    every = {kind.__name__ for kind in actions.ACTIONS}
    assert set(taken) == every
    assert set(refused) == every
    assert {event["name"] for said in steps for event in said.get("events", ())} == EVENTS
    assert len(loaded("traces")["traces"]) >= 45
    assert len({said["error"] for said in steps if "error" in said}) >= 50

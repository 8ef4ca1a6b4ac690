"""Actions of the audit as calldata of its contract, its records as ABI tuples and back, its logs as events."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from stun.chains.evm.addresses import narrow, widen
from stun.chains.evm.endpoint import Log
from stun.chains.evm.market_contracts import interface
from stun.chains.evm.market_encoding import join_signatures, message_tuple, terms_tuple
from stun.chains.market import ChainEvent
from stun.protocol.audit import actions
from stun.protocol.audit.state import Audit, Sitting, Stage
from stun.protocol.keccak import keccak256
from stun.protocol.market.state import Terms
from stun.protocol.trees.resolve import pack_siblings

_AUDIT = "Audit"


def audit_tuple(audit: Audit) -> tuple[Any, ...]:
    """Return an audit's record as its ABI tuple."""
    sittings = [(s.place, narrow(s.account), int(s.stage), s.word, s.agrees) for s in audit.sittings]
    return (
        audit.batch_id, narrow(audit.asset), audit.version, audit.count, audit.tasks, audit.randomness, audit.share,
        audit.report_fee, narrow(audit.reporter), audit.seal_by, audit.reveal_by, audit.close_at,
        tuple(audit.results), tuple(audit.shown), tuple(narrow(account) for account in audit.shower), sittings,
    )  # fmt: skip


def audit_from_tuple(values: Sequence[Any]) -> Audit:
    """Return the record of an ABI tuple."""
    batch_id, asset, version, count, tasks, randomness, share, report_fee, reporter, *rest = values
    seal_by, reveal_by, close_at, results, shown, shower, sittings = rest
    parts = tuple(
        Sitting(place, widen(who), Stage(stage), word, agrees) for place, who, stage, word, agrees in sittings
    )
    return Audit(
        batch_id, widen(asset), version, count, tasks, randomness, share, report_fee, widen(reporter), seal_by,
        reveal_by, close_at, tuple(results), parts, tuple(shown), tuple(widen(account) for account in shower),
    )  # fmt: skip


def audit_digest(audit: Audit) -> bytes:
    """Return what the contract stores of an audit: keccak256 of its record."""
    return keccak256(interface(_AUDIT).function("close").encode(audit_tuple(audit))[4:])


def after(audit: Audit, action: actions.Seal | actions.Reveal) -> Audit:
    """Return what an audit's record is once its seats' acts were accepted; the chain's logs say the same."""
    if isinstance(action, actions.Seal):
        for sealing in action.seals:
            sealed = replace(audit.sittings[sealing.seat], stage=Stage.SEALED, word=sealing.seal)
            audit = audit.with_sitting(sealing.seat, sealed)
        return audit
    for opening in action.openings:
        sitting = audit.sittings[opening.seat]
        opened = replace(sitting, stage=Stage.REVEALED, word=opening.verdict, agrees=opening.agrees)
        audit = audit.with_sitting(opening.seat, opened)
    return audit


def calldata(action: actions.Action, terms: Terms | None = None, signatures: Sequence[bytes] = ()) -> bytes:
    """Return the calldata of an action; a draw carries the batch's terms, seats' acts the signatures of who signed."""
    name, arguments = _CALLS[type(action)](action, terms, signatures)
    return interface(_AUDIT).function(name).encode(*arguments)


def decode_logs(logs: Iterable[Log]) -> list[ChainEvent]:
    """Return the audit's events among the logs, accounts as 32 bytes and records as Audit."""
    known = interface(_AUDIT).events()
    found = []
    for log in logs:
        if log.topics and log.topics[0] in known:
            event = known[log.topics[0]]
            kinds = {name: kind for name, kind, _ in event.fields}
            fields = {name: _value(name, kinds[name], value) for name, value in event.decode(log).items()}
            where = (log.block_number, log.block_hash, log.log_index, log.transaction_hash)
            found.append(ChainEvent(event.name, fields, *where))
    return found


def _value(name: str, kind: str, value: Any) -> Any:
    if name == "audit":
        return audit_from_tuple(value)
    return widen(value) if kind == "address" else tuple(value) if isinstance(value, list) else value


def _draw(action: actions.Draw, terms: Terms | None, _: Sequence[bytes]) -> tuple[str, tuple[Any, ...]]:
    assert terms is not None, "a draw carries the batch's terms"
    return "draw", (action.batch_id, terms_tuple(terms), message_tuple(action.order))


def _seal(action: actions.Seal, _: Terms | None, signatures: Sequence[bytes]) -> tuple[str, tuple[Any, ...]]:
    seals = [(sealing.seat, sealing.seal) for sealing in action.seals]
    return "seal", (audit_tuple(action.audit), seals, join_signatures(signatures))


def _reveal(action: actions.Reveal, _: Terms | None, signatures: Sequence[bytes]) -> tuple[str, tuple[Any, ...]]:
    openings = [(o.seat, o.agrees, o.verdict, o.salt) for o in action.openings]
    return "reveal", (audit_tuple(action.audit), openings, join_signatures(signatures))


def _show(action: actions.Show, _terms: Terms | None, _: Sequence[bytes]) -> tuple[str, tuple[Any, ...]]:
    leaves = [(leaf.output_digest, leaf.units) for leaf in action.leaves]
    claim = (audit_tuple(action.audit), action.replica, action.outputs_root, action.total_units)
    return "show", (*claim, leaves, pack_siblings(action.siblings))


_CALLS: dict[type, Callable[[Any, Terms | None, Sequence[bytes]], tuple[str, tuple[Any, ...]]]] = {
    actions.Join: lambda a, *_: ("join", (a.bond,)),
    actions.Leave: lambda *_: ("leave", ()),
    actions.TakeBond: lambda a, *_: ("take_bond", (narrow(a.to),)),
    actions.Draw: _draw,
    actions.Seal: _seal,
    actions.Reveal: _reveal,
    actions.Show: _show,
    actions.Close: lambda a, *_: ("close", (audit_tuple(a.audit),)),
    actions.Collect: lambda a, *_: ("collect", (a.version, narrow(a.asset), narrow(a.account))),
}

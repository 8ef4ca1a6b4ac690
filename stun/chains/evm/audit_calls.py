"""Actions of the audit as calldata of its contract, its records as ABI tuples and back, its logs as events."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from stun.chains.evm.addresses import narrow, widen
from stun.chains.evm.endpoint import Log
from stun.chains.evm.market_contracts import interface
from stun.chains.evm.market_encoding import message_tuple, terms_tuple
from stun.chains.market import ChainEvent
from stun.protocol.audit import actions
from stun.protocol.audit.draws import verdict_of
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
    """Return what an audit's record is once a seat's act was accepted; the chain's log says the same."""
    sitting = audit.sittings[action.seat]
    if isinstance(action, actions.Seal):
        sitting = replace(sitting, stage=Stage.SEALED, word=action.seal)
    else:
        verdict = verdict_of(action.digests)
        sitting = replace(sitting, stage=Stage.REVEALED, word=verdict, agrees=action.agrees)
    sittings = (*audit.sittings[: action.seat], sitting, *audit.sittings[action.seat + 1 :])
    return replace(audit, sittings=sittings)


def calldata(action: actions.Action, terms: Terms | None = None) -> bytes:
    """Return the calldata of an action; a draw carries the batch's terms."""
    name, arguments = _CALLS[type(action)](action, terms)
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


def _draw(action: actions.Draw, terms: Terms | None) -> tuple[str, tuple[Any, ...]]:
    assert terms is not None, "a draw carries the batch's terms"
    return "draw", (action.batch_id, terms_tuple(terms), message_tuple(action.order))


def _reveal(action: actions.Reveal, _: Terms | None) -> tuple[str, tuple[Any, ...]]:
    return "reveal", (audit_tuple(action.audit), action.seat, action.agrees, list(action.digests), action.salt)


def _show(action: actions.Show, _: Terms | None) -> tuple[str, tuple[Any, ...]]:
    leaves = [(leaf.output_digest, leaf.units) for leaf in action.leaves]
    claim = (audit_tuple(action.audit), action.replica, action.outputs_root, action.total_units)
    return "show", (*claim, leaves, pack_siblings(action.siblings))


_CALLS: dict[type, Callable[[Any, Terms | None], tuple[str, tuple[Any, ...]]]] = {
    actions.Join: lambda a, _: ("join", (a.bond,)),
    actions.Leave: lambda _a, _: ("leave", ()),
    actions.TakeBond: lambda a, _: ("take_bond", (narrow(a.to),)),
    actions.Draw: _draw,
    actions.Seal: lambda a, _: ("seal", (audit_tuple(a.audit), a.seat, a.seal)),
    actions.Reveal: _reveal,
    actions.Show: _show,
    actions.Close: lambda a, _: ("close", (audit_tuple(a.audit),)),
    actions.Collect: lambda a, _: ("collect", (a.version, narrow(a.asset), narrow(a.account))),
}

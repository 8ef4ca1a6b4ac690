"""Contract logs as protocol events."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from stun.chains.evm.abi import AbiEvent
from stun.chains.evm.addresses import widen
from stun.chains.evm.endpoint import Log
from stun.chains.evm.errors import AnswerInvalid
from stun.chains.evm.market_contracts import interface
from stun.chains.evm.market_encoding import terms_from_tuple
from stun.chains.market import ChainEvent

_SOURCES = ("Marketplace", "ModelRegistry", "Staking", "Reputation", "Config")


@cache
def known_events() -> dict[bytes, AbiEvent]:
    """Return every event of the market's contracts by its first topic."""
    return {topic: event for name in _SOURCES for topic, event in interface(name).events().items()}


def decode_logs(logs: Iterable[Log]) -> list[ChainEvent]:
    """Return the protocol events among the logs, in order."""
    return [_decode(log) for log in logs if log.topics and log.topics[0] in known_events()]


def _decode(log: Log) -> ChainEvent:
    event = known_events()[log.topics[0]]
    try:
        fields = _fields(event, event.decode(log))
    except ValueError as error:
        raise AnswerInvalid(f"{event.name} with a value that there is not: {error}") from error
    return ChainEvent(
        event.name,
        fields,
        log.block_number,
        log.block_hash,
        log.log_index,
        log.transaction_hash,
    )


def _fields(event: AbiEvent, values: Mapping[str, Any]) -> dict[str, Any]:
    kinds = {name: kind for name, kind, _ in event.fields}
    return {name: _value(name, kinds[name], value) for name, value in values.items()}


def _value(name: str, kind: str, value: Any) -> Any:
    if name == "terms":
        return terms_from_tuple(value)
    if kind == "address":
        return widen(value)
    return value

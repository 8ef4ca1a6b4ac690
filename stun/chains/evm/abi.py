"""Encoding and decoding by a contract's ABI: functions, constructors and events.

Integers in and out are int, addresses are `bytes` of 20, structs are tuples in the order of their fields.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak

from stun.chains.evm.endpoint import Log
from stun.chains.interface import ChainError


class AbiMismatch(ChainError):
    """A name the ABI does not have, or bytes that do not fit it; the artifact is not that of the contract."""


def canonical(component: Mapping[str, Any]) -> str:
    """The canonical type of an ABI component; tuples are spelled out."""
    kind = str(component["type"])
    if not kind.startswith("tuple"):
        return kind
    inner = ",".join(canonical(part) for part in component["components"])
    return f"({inner}){kind[len('tuple') :]}"


def to_bytes(value: Any, kind: str) -> Any:
    """A decoded value with addresses as 20 bytes, at any depth."""
    if kind.endswith("]"):
        return tuple(to_bytes(item, kind[: kind.rindex("[")]) for item in value)
    if kind.startswith("("):
        return tuple(to_bytes(item, part) for item, part in zip(value, split_tuple(kind), strict=True))
    return bytes.fromhex(value[2:]) if kind == "address" else value


def split_tuple(kind: str) -> list[str]:
    """The member types of a canonical tuple type."""
    parts, depth, start = [], 0, 1
    for position, letter in enumerate(kind[:-1]):
        if letter == "," and depth == 1:
            parts.append(kind[start:position])
            start = position + 1
        depth += (letter == "(") - (letter == ")")
    return [*parts, kind[start:-1]]


def head_size(kind: str) -> int:
    """Bytes a canonical type takes in the head of an encoding: 32 where dynamic, else its whole size."""
    if kind.endswith("]"):
        inner, count = kind[:-1].rsplit("[", 1)
        return 32 if not count or is_dynamic(inner) else head_size(inner) * int(count)
    if kind.startswith("("):
        return 32 if is_dynamic(kind) else sum(head_size(part) for part in split_tuple(kind))
    return 32


def is_dynamic(kind: str) -> bool:
    """True for types whose encoding has a tail."""
    if kind.endswith("]"):
        inner, count = kind[:-1].rsplit("[", 1)
        return not count or is_dynamic(inner)
    if kind.startswith("("):
        return any(is_dynamic(part) for part in split_tuple(kind))
    return kind in ("bytes", "string")


def _decode(kinds: Sequence[str], data: bytes, name: str) -> tuple[Any, ...]:
    # ape replaces eth_abi's integer decoder by one that reads missing bytes as zero: an account without code would
    # answer 0 to every question. So the size is checked here, whoever is loaded.
    if len(data) % 32 or len(data) < sum(head_size(kind) for kind in kinds):
        raise AbiMismatch(f"{name}: {len(data)} bytes are no encoding of ({','.join(kinds)})")
    try:
        values = decode(kinds, data)
    except (DecodingError, OverflowError, UnicodeDecodeError) as error:
        raise AbiMismatch(f"{name}: {len(data)} bytes do not decode as {','.join(kinds)}: {error}") from None
    return tuple(to_bytes(value, kind) for value, kind in zip(values, kinds, strict=True))


@dataclass(frozen=True)
class AbiFunction:
    """One external function: canonical input and output types, in order, and the inputs' names where they are known."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    input_names: tuple[str, ...] = ()

    @cached_property
    def selector(self) -> bytes:
        """The first 4 bytes of the hash of the signature."""
        return bytes(keccak(text=f"{self.name}({','.join(self.inputs)})")[:4])

    def encode(self, *arguments: Any) -> bytes:
        """Calldata; raises eth_abi's EncodingError on values that do not fit."""
        return self.selector + encode(self.inputs, arguments)

    def decode_input(self, data: bytes) -> tuple[Any, ...]:
        """The arguments in calldata of this function."""
        if data[:4] != self.selector:
            raise AbiMismatch(f"{self.name}: calldata starts with another selector")
        return _decode(self.inputs, data[4:], self.name)

    def decode_output(self, data: bytes) -> Any:
        """One value, a tuple of several, or None for a function that returns nothing."""
        if not self.outputs:
            return None
        values = _decode(self.outputs, data, self.name)
        return values[0] if len(values) == 1 else values


@dataclass(frozen=True)
class AbiEvent:
    """One event: names and canonical types of its fields in the order of the declaration."""

    name: str
    fields: tuple[tuple[str, str, bool], ...]

    @cached_property
    def topic(self) -> bytes:
        """The first topic of every log of this event."""
        return bytes(keccak(text=f"{self.name}({','.join(kind for _, kind, _ in self.fields)})"))

    def decode(self, log: Log) -> dict[str, Any]:
        """The event's fields by name; an indexed field of dynamic type is its 32-byte hash."""
        if not log.topics or log.topics[0] != self.topic:
            raise AbiMismatch(f"{self.name}: the log is of another event")
        indexed = [(name, kind) for name, kind, flag in self.fields if flag]
        plain = [(name, kind) for name, kind, flag in self.fields if not flag]
        if len(indexed) != len(log.topics) - 1:
            raise AbiMismatch(f"{self.name}: {len(log.topics) - 1} indexed fields, not {len(indexed)}")
        values = dict(zip((n for n, _ in plain), _decode([k for _, k in plain], log.data, self.name), strict=True))
        for (name, kind), topic in zip(indexed, log.topics[1:], strict=True):
            hashed = kind.endswith("]") or kind.startswith("(") or kind in ("bytes", "string")
            values[name] = topic if hashed else _decode([kind], topic, self.name)[0]
        return {name: values[name] for name, _, _ in self.fields}


class Abi:
    """A contract's ABI by name."""

    def __init__(self, entries: Sequence[Mapping[str, Any]]) -> None:
        self.constructor: tuple[tuple[str, str], ...] = ()
        self._functions: dict[str, list[AbiFunction]] = {}
        self._events: dict[str, AbiEvent] = {}
        for entry in entries:
            self._add(entry)

    def _add(self, entry: Mapping[str, Any]) -> None:
        inputs = tuple((str(part["name"]), canonical(part)) for part in entry.get("inputs", ()))
        if entry["type"] == "constructor":
            self.constructor = inputs
        elif entry["type"] == "function":
            outputs = tuple(canonical(part) for part in entry["outputs"])
            names, kinds = tuple(name for name, _ in inputs), tuple(kind for _, kind in inputs)
            function = AbiFunction(str(entry["name"]), kinds, outputs, names)
            self._functions.setdefault(function.name, []).append(function)
        elif entry["type"] == "event":
            flags = [bool(part["indexed"]) for part in entry["inputs"]]
            fields = tuple((n, k, flag) for (n, k), flag in zip(inputs, flags, strict=True))
            self._events[str(entry["name"])] = AbiEvent(str(entry["name"]), fields)

    def function(self, name: str, arguments: int | None = None) -> AbiFunction:
        """The function with a name; `arguments` picks among the forms that default arguments make, the longest else."""
        forms = [f for f in self._functions.get(name, ()) if arguments is None or len(f.inputs) == arguments]
        if not forms:
            raise AbiMismatch(f"no function {name} with {arguments} arguments")
        return max(forms, key=lambda function: len(function.inputs))

    def has(self, name: str) -> bool:
        """True when there is a function with that name."""
        return name in self._functions

    def event(self, name: str) -> AbiEvent:
        """The event with a name."""
        if name not in self._events:
            raise AbiMismatch(f"no event {name}")
        return self._events[name]

    def events(self) -> dict[bytes, AbiEvent]:
        """Every event by its first topic."""
        return {event.topic: event for event in self._events.values()}

    def encode_constructor(self, arguments: Sequence[Any]) -> bytes:
        """The constructor's arguments as they follow the deploy bytecode."""
        if len(arguments) != len(self.constructor):
            raise AbiMismatch(f"the constructor takes {len(self.constructor)} arguments, not {len(arguments)}")
        return encode([kind for _, kind in self.constructor], list(arguments))

"""Vectors of the signed messages: type texts, struct hashes, digests under an EVM domain and under a salt domain."""

from typing import Any

from scripts.conformance.encoding import encode, noise, number, outcome
from stun.protocol.messages import ACCOUNT, NOBODY, SIGNED, Domain, Message, Order, foreign_domain, nonce_of, nonce_week

EVM = Domain(chain_id=8_453, market=noise("market")[:20])
FOREIGN = foreign_domain("solana", noise("market"))
DOMAINS = {"evm": EVM, "salt": FOREIGN}
FILLS = ("zero", "noise", "largest")


def message_vectors() -> dict[str, Any]:
    """Return every message type with three examples of it under both domains."""
    domains = {name: {**encode(domain), "separator": encode(domain.separator())} for name, domain in DOMAINS.items()}
    return {"domains": domains, "messages": [_kind(kind) for kind in SIGNED], "prices": _prices()}


def nonce_vectors() -> dict[str, Any]:
    """Return order nonces and the week they belong to."""
    cases = []
    for expires_at, word, bit in (
        (0, 0, 0), (604_799, 0, 255), (604_800, 1, 0), (1_760_000_000, 2**32 - 1, 255), (1_760_000_000, 7, 3),
        (1_760_000_000, 2**32, 0), (1_760_000_000, 0, 256), (1_760_000_000, -1, 0),
    ):  # fmt: skip
        made = outcome(nonce_of, expires_at, word, bit)
        week = {"week": encode(nonce_week(int(made["result"])))} if "result" in made else {}
        cases.append({"expires_at": encode(expires_at), "word": encode(word), "bit": encode(bit), **made, **week})
    return {"nonces": cases}


def example(kind: type[Message], fill: str, evm: bool) -> Message:
    """Return a message whose fields are all zero, all different, or all at their largest."""
    values: dict[str, Any] = {}
    for name, field in kind.TYPES.items():
        seed = f"{kind.__name__} {name}"
        if field == ACCOUNT:
            filled = {"zero": NOBODY, "noise": noise(seed), "largest": b"\xff" * 32}[fill]
            values[name] = bytes(12) + filled[12:] if evm else filled
        elif field == "bytes32":
            values[name] = {"zero": bytes(32), "noise": noise(seed), "largest": b"\xff" * 32}[fill]
        else:
            limit = 1 << int(field[4:])
            values[name] = {"zero": 0, "noise": number(seed, limit), "largest": limit - 1}[fill]
    return kind(**values)


def _kind(kind: type[Message]) -> dict[str, Any]:
    examples = []
    for name, domain in DOMAINS.items():
        for fill in FILLS:
            message = example(kind, fill, domain.evm)
            hashes = {"struct_hash": message.struct_hash(domain.evm), "digest": message.digest(domain)}
            examples.append({"domain": name, "fields": encode(message), **encode(hashes)})
    texts = {name: kind.type_text(domain.evm) for name, domain in DOMAINS.items()}
    return {"name": kind.__name__, "types": dict(kind.TYPES), "type_texts": texts, "examples": examples}


def _prices() -> list[dict[str, Any]]:
    """Return the highest price along ramps, with rounding, without a length, and at the bounds of u64."""
    cases = []
    for start, highest, ramp_start, seconds in (
        (10, 10, 0, 0), (10, 21, 100, 10), (0, 2**64 - 1, 100, 7), (5, 9, 100, 0), (1, 2, 2**64 - 1, 2**32 - 1),
    ):  # fmt: skip
        values = encode(example(Order, "zero", evm=False))
        ramp = {"start_price": start, "max_price": highest, "ramp_start": ramp_start, "ramp_seconds": seconds}
        order = Order(**{**{name: _plain(text) for name, text in values.items()}, **ramp})
        moments = (0, 99, 100, 101, 103, 106, 107, 109, 110, 2**63)
        cases.append({**encode(ramp), "prices": [[encode(now), encode(order.price_at(now))] for now in moments]})
    return cases


def _plain(text: str) -> Any:
    return bytes.fromhex(text[2:]) if text.startswith("0x") else int(text)

"""The signed messages of the protocol and their one digest each (EIP-712).

A digest is both the id of a message and what is signed. Accounts and assets are 32 bytes in the specification (an EVM
address left-padded with zeros); on the EVM the typed-data type is `address`, elsewhere `bytes32`, so the encoding of
the fields is the same and only the type hash differs.
"""

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import ClassVar

from stun.protocol.errors import require
from stun.protocol.keccak import keccak256
from stun.protocol.parameters import WEEK_SECONDS

NOBODY = bytes(32)
ACCOUNT = "account"

FLAG_PRIVATE = 1
FLAG_PUBLIC_DISPUTE = 2
TIER_TEE = 1
TIER_ZK = 2


@dataclass(frozen=True, slots=True)
class Domain:
    """Where a message is valid: one market on one chain.

    On the EVM `chain_id` and `market` (20 bytes) are set; elsewhere `salt` = sha256(chain name | market).
    """

    chain_id: int = 0
    market: bytes = b""
    salt: bytes = b""

    @property
    def evm(self) -> bool:
        """Whether accounts are EVM addresses under this domain."""
        return not self.salt

    def separator(self) -> bytes:
        """Return the EIP-712 domain separator."""
        name, version = keccak256(b"STUN"), keccak256(b"1")
        if self.evm:
            kind = keccak256(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
            tail = self.chain_id.to_bytes(32, "big") + self.market.rjust(32, b"\0")
        else:
            kind = keccak256(b"EIP712Domain(string name,string version,bytes32 salt)")
            tail = self.salt
        return keccak256(kind + name + version + tail)


def foreign_domain(chain: str, market: bytes) -> Domain:
    """Return the domain of a market on a chain that is no EVM."""
    return Domain(salt=sha256(chain.encode() + b"|" + market).digest())


class Message:
    """Base of the signed messages: field order and types are the message's EIP-712 type."""

    __slots__ = ()
    TYPES: ClassVar[dict[str, str]]

    @classmethod
    def type_text(cls, evm: bool) -> str:
        """Return the EIP-712 encodeType text."""
        account = "address" if evm else "bytes32"
        members = (f"{account if kind == ACCOUNT else kind} {_camel(name)}" for name, kind in cls.TYPES.items())
        return f"{cls.__name__}({','.join(members)})"

    def struct_hash(self, evm: bool = True) -> bytes:
        """Return the EIP-712 hash of this message under no domain. Errors: "messages: width"."""
        words = (_word(getattr(self, name), kind) for name, kind in self.TYPES.items())
        return keccak256(_text_hash(self.type_text(evm)) + b"".join(words))

    def digest(self, domain: Domain) -> bytes:
        """Return the 32-byte digest that is signed."""
        return keccak256(b"\x19\x01" + domain.separator() + self.struct_hash(domain.evm))


@cache
def _text_hash(text: str) -> bytes:
    return keccak256(text.encode())


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


def _word(value: int | bytes, kind: str) -> bytes:
    if isinstance(value, bytes):
        require(len(value) == 32 and kind in (ACCOUNT, "bytes32"), "messages: width")
        return value
    require(kind.startswith("uint") and 0 <= value < 1 << int(kind[4:]), "messages: width")
    return value.to_bytes(32, "big")


@dataclass(frozen=True, slots=True)
class Order(Message):
    """A requester's offer: `count` tasks of one model on one set of terms (PROTOCOL.md section 5).

    Prices are per 10^6 units and per replica in the asset's smallest unit; times in seconds; `audit_ppm` in parts per
    million; zero means "any" for matcher, providers_root and config.
    """

    requester: bytes
    asset: bytes
    model_id: bytes
    specs_root: bytes
    count: int
    max_units: int
    start_price: int
    max_price: int
    ramp_start: int
    ramp_seconds: int
    replicas: int
    audit_ppm: int
    post_seconds: int
    task_seconds: int
    challenge_seconds: int
    tier: int
    flags: int
    recipient_key: bytes
    matcher: bytes
    providers_root: bytes
    tip: int
    config: int
    expires_at: int
    nonce: int

    TYPES: ClassVar[dict[str, str]] = {
        "requester": ACCOUNT,
        "asset": ACCOUNT,
        "model_id": "bytes32",
        "specs_root": "bytes32",
        "count": "uint32",
        "max_units": "uint32",
        "start_price": "uint64",
        "max_price": "uint64",
        "ramp_start": "uint64",
        "ramp_seconds": "uint32",
        "replicas": "uint8",
        "audit_ppm": "uint32",
        "post_seconds": "uint32",
        "task_seconds": "uint32",
        "challenge_seconds": "uint32",
        "tier": "uint8",
        "flags": "uint8",
        "recipient_key": "bytes32",
        "matcher": ACCOUNT,
        "providers_root": "bytes32",
        "tip": "uint64",
        "config": "uint32",
        "expires_at": "uint64",
        "nonce": "uint64",
    }

    def price_at(self, now: int) -> int:
        """Return the highest price a bid may ask at `now`: the ramp, rounded down."""
        if now < self.ramp_start:
            return self.start_price
        elapsed = now - self.ramp_start
        if elapsed >= self.ramp_seconds:
            return self.max_price
        return self.start_price + (self.max_price - self.start_price) * elapsed // self.ramp_seconds


@dataclass(frozen=True, slots=True)
class Bid(Message):
    """A provider's promise for one order: every spec and input is held and valid, at this price per 10^6 units."""

    provider: bytes
    order_digest: bytes
    price: int
    matcher: bytes
    expires_at: int

    TYPES: ClassVar[dict[str, str]] = {
        "provider": ACCOUNT,
        "order_digest": "bytes32",
        "price": "uint64",
        "matcher": ACCOUNT,
        "expires_at": "uint64",
    }


@dataclass(frozen=True, slots=True)
class Commit(Message):
    """A replica's sealed answer, one of several."""

    batch_id: bytes
    provider: bytes
    commitment: bytes

    TYPES: ClassVar[dict[str, str]] = {"batch_id": "bytes32", "provider": ACCOUNT, "commitment": "bytes32"}


@dataclass(frozen=True, slots=True)
class Post(Message):
    """A lone replica's open answer."""

    batch_id: bytes
    provider: bytes
    outputs_root: bytes
    total_units: int

    TYPES: ClassVar[dict[str, str]] = {
        "batch_id": "bytes32",
        "provider": ACCOUNT,
        "outputs_root": "bytes32",
        "total_units": "uint64",
    }


@dataclass(frozen=True, slots=True)
class Accept(Message):
    """The requester's word that a result is good: pays at once."""

    batch_id: bytes
    outputs_root: bytes
    total_units: int

    TYPES: ClassVar[dict[str, str]] = {"batch_id": "bytes32", "outputs_root": "bytes32", "total_units": "uint64"}


@dataclass(frozen=True, slots=True)
class Operator(Message):
    """An account names the key that signs its duties; `nonce` counts up from 0 for each account."""

    account: bytes
    operator: bytes
    nonce: int
    expires_at: int

    TYPES: ClassVar[dict[str, str]] = {
        "account": ACCOUNT,
        "operator": ACCOUNT,
        "nonce": "uint64",
        "expires_at": "uint64",
    }


@dataclass(frozen=True, slots=True)
class Profile(Message):
    """A provider stands behind an advertisement off chain; `profile_digest` is the sha256 of its canonical JSON."""

    provider: bytes
    profile_digest: bytes
    expires_at: int

    TYPES: ClassVar[dict[str, str]] = {"provider": ACCOUNT, "profile_digest": "bytes32", "expires_at": "uint64"}


@dataclass(frozen=True, slots=True)
class Ask(Message):
    """A matcher asks a provider for a bid on an order; off chain."""

    matcher: bytes
    provider: bytes
    order_digest: bytes
    expires_at: int

    TYPES: ClassVar[dict[str, str]] = {
        "matcher": ACCOUNT,
        "provider": ACCOUNT,
        "order_digest": "bytes32",
        "expires_at": "uint64",
    }


@dataclass(frozen=True, slots=True)
class Delivery(Message):
    """A provider says under which digest its sealed outputs lie in storage; off chain."""

    batch_id: bytes
    provider: bytes
    blob: bytes

    TYPES: ClassVar[dict[str, str]] = {"batch_id": "bytes32", "provider": ACCOUNT, "blob": "bytes32"}


SIGNED: tuple[type[Message], ...] = (Order, Bid, Commit, Post, Accept, Operator, Profile, Ask, Delivery)

for _kind in SIGNED:
    assert list(_kind.__slots__) == list(_kind.TYPES), _kind


def nonce_of(expires_at: int, word: int, bit: int) -> int:
    """Return an order nonce: week of expires_at (u24) | word (u32) | bit (u8)."""
    require(0 <= word < 1 << 32 and 0 <= bit < 1 << 8, "nonces: range")
    return (expires_at // WEEK_SECONDS) << 40 | word << 8 | bit


def nonce_week(nonce: int) -> int:
    """Return the week a nonce belongs to."""
    return nonce >> 40

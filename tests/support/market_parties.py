"""The parties of the stateful tests and their keys."""

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any

import coincurve
from eth_utils.crypto import keccak

from stun.chains.evm.addresses import narrow, widen

CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@dataclass(frozen=True, slots=True)
class Parties:
    """Every account of a run, 32 bytes each, by role.

    `selfish` is a requester that could also provide; `unstaked` and `poor` are providers without stake, without money.
    """

    owner: bytes
    requesters: tuple[bytes, ...]
    providers: tuple[bytes, ...]
    selfish: bytes
    unstaked: bytes
    poor: bytes
    operators: tuple[bytes, ...]
    matchers: tuple[bytes, ...]
    stranger: bytes
    court: bytes
    settlement: bytes
    auditor: bytes
    creator: bytes
    challenger: bytes

    @property
    def bidders(self) -> tuple[bytes, ...]:
        """Accounts with stake and money for bonds."""
        return (*self.providers, self.selfish)

    @property
    def all(self) -> tuple[bytes, ...]:
        """Every account but the owner."""
        single = (self.selfish, self.unstaked, self.poor, self.stranger, self.court, self.settlement, self.auditor)
        lists = (*self.requesters, *self.providers, *self.operators, *self.matchers)
        return (*lists, *single, self.creator, self.challenger)


@cache
def key_of_name(name: str) -> coincurve.PrivateKey:
    """Return the key of a name."""
    return coincurve.PrivateKey(sha256(f"stun stateful {name}".encode()).digest())


@cache
def account_of_name(name: str) -> bytes:
    """Return the account of a name and remember its key."""
    key = key_of_name(name)
    account = widen(bytes(keccak(key.public_key.format(compressed=False)[1:])[-20:]))
    KEYS[account] = key
    return account


KEYS: dict[bytes, coincurve.PrivateKey] = {}


@cache
def parties() -> Parties:
    """Return the parties; the same in every run."""
    several = {
        "requesters": ("requester 1", "requester 2", "requester 3"),
        "providers": ("provider 1", "provider 2", "provider 3", "provider 4", "provider 5"),
        "operators": ("operator 1", "operator 2"),
        "matchers": ("matcher 1", "matcher 2"),
    }
    names = (
        "owner", "selfish", "unstaked", "poor", "stranger", "court", "settlement", "auditor", "creator", "challenger"
    )  # fmt: skip
    found: dict[str, Any] = {role: tuple(account_of_name(name) for name in names) for role, names in several.items()}
    found |= {name: account_of_name(name) for name in names}
    return Parties(**found)


def sign(account: bytes, digest: bytes) -> bytes:
    """Return the account's signature over a digest: r | s | v, low s, v 27 or 28."""
    signature = KEYS[account].sign_recoverable(digest, hasher=None)
    return signature[:64] + bytes([signature[64] + 27])


def malleable(signature: bytes) -> bytes:
    """Return the other signature of the same key and digest, with a high s."""
    s = int.from_bytes(signature[32:64], "big")
    return signature[:32] + (CURVE_ORDER - s).to_bytes(32, "big") + bytes([55 - signature[64]])


def address(account: bytes) -> bytes:
    """Return an account's address."""
    return narrow(account)

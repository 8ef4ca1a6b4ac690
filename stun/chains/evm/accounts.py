"""Keys: read from an encrypted keystore file or the environment, used for signing, never shown.

No error raised here holds a key or a passphrase, nor the exception that could: those are raised `from None`.
"""

import json
import os
import re
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_typing import Hash32

from stun.chains.interface import ChainError

_KEY = re.compile(r"(0x)?[0-9a-fA-F]{64}")
_SECRET = "a private key"


class KeyUnavailable(ChainError):
    """A key could not be read; the message says from where and what to do, and nothing of the key."""


class EvmAccount:
    """A private key in memory that signs transactions and digests. Its repr shows the address only."""

    __slots__ = ("_local",)

    def __init__(self, local: LocalAccount) -> None:
        self._local = local

    def __repr__(self) -> str:
        return f"EvmAccount({self._local.address})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an account is not pickled: it holds " + _SECRET)

    @property
    def address(self) -> bytes:
        """The 20-byte address."""
        return bytes.fromhex(self._local.address[2:])

    @property
    def checksum_address(self) -> str:
        """The address as people read it (EIP-55)."""
        return str(self._local.address)

    def sign_transaction(self, fields: dict[str, Any]) -> tuple[bytes, bytes]:
        """(raw transaction, hash) of an EIP-1559 transaction."""
        signed = self._local.sign_transaction(fields)
        return bytes(signed.raw_transaction), bytes(signed.hash)

    def sign_digest(self, digest: bytes) -> bytes:
        """65 bytes r, s, v (27 or 28), low s, over a 32-byte digest (EIP-712 digests of stun.protocol)."""
        if len(digest) != 32:
            raise ValueError(f"a digest has 32 bytes, not {len(digest)}")
        return bytes(self._local.unsafe_sign_hash(Hash32(digest)).signature)


def from_key(key: bytes) -> EvmAccount:
    """The account of a 32-byte private key."""
    try:
        return EvmAccount(Account.from_key(key))
    except (ValueError, TypeError, ArithmeticError):
        raise KeyUnavailable("these bytes are no private key") from None


def from_environment(variable: str = "STUN_KEY", environment: Mapping[str, str] | None = None) -> EvmAccount | None:
    """The account whose private key (hex) an environment variable holds, None when it is unset or empty.

    Errors: KeyUnavailable.
    """
    text = (os.environ if environment is None else environment).get(variable, "").strip()
    if not text:
        return None
    if not _KEY.fullmatch(text):
        raise KeyUnavailable(f"{variable} does not hold 64 hexadecimal digits")
    try:
        return from_key(bytes.fromhex(text.removeprefix("0x")))
    except KeyUnavailable:
        raise KeyUnavailable(f"{variable} holds no private key of secp256k1") from None


def passphrase_from_environment(variable: str = "STUN_PASSPHRASE") -> Callable[[], str]:
    """A passphrase callback that reads an environment variable; raises KeyUnavailable when it is unset."""

    def read() -> str:
        if variable not in os.environ:
            raise KeyUnavailable(f"set {variable} to the keystore's passphrase")
        return os.environ[variable]

    return read


def from_keystore(path: Path, passphrase: Callable[[], str]) -> EvmAccount:
    """The account in an encrypted keystore file (Web3 Secret Storage v3, as eth-account and geth write it).

    Errors: KeyUnavailable for a file that is missing, not a keystore, or encrypted with another passphrase.
    """
    try:
        keystore = json.loads(path.read_text())
    except (OSError, ValueError):
        raise KeyUnavailable(f"{path} cannot be read as a keystore file") from None
    if not isinstance(keystore, dict) or "crypto" not in {str(name).lower() for name in keystore}:
        raise KeyUnavailable(f"{path} is not a keystore file")
    secret = passphrase()
    try:
        key = bytes(Account.decrypt(keystore, secret))
    except (ValueError, TypeError, KeyError, NotImplementedError, ArithmeticError):
        raise KeyUnavailable(f"{path} does not open with this passphrase") from None
    return from_key(key)


def create_keystore(path: Path, passphrase: str, iterations: int | None = None) -> EvmAccount:
    """Make a new key and write it encrypted (mode 0600); never overwrites a file.

    `iterations` of scrypt's cost, eth-account's default when None. Errors: KeyUnavailable.
    """
    if not passphrase:
        raise KeyUnavailable("an empty passphrase protects nothing")
    local = Account.create()
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".part", delete=False) as part:
        json.dump(Account.encrypt(local.key, passphrase, iterations=iterations), part)
        part.flush()
        os.fsync(part.fileno())
    try:
        os.link(part.name, path)
    except FileExistsError:
        raise KeyUnavailable(f"{path} exists; choose another name") from None
    finally:
        os.unlink(part.name)
    return EvmAccount(local)

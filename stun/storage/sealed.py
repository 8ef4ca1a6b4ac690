"""Encryption of what storage must not read: sealing to a recipient, and equal ciphertexts for equal replicas.

Storage and pools see ciphertext and its length. Neither form says who made it: origin comes from the signed post whose
results root commits to the bytes.
"""

import secrets
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from stun.protocol.errors import StunError

KEY_BYTES = 32
SEAL_OVERHEAD_BYTES = 48
DETERMINISTIC_OVERHEAD_BYTES = 16
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_SEAL_INFO = b"STUN seal v1|"
_RECIPIENT_INFO = b"STUN recipient key v1"
_DETERMINISTIC_INFO = b"STUN deterministic v1"


class KeyRefused(StunError):
    """A key that cannot be used: not 32 bytes, or a public key of small order, to which nothing can be sealed."""

    code = "sealed: bad key"

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"{what} refused: {reason}")
        self.what = what


class SealBroken(StunError):
    """The ciphertext does not open: wrong key, wrong context, or truncated or altered bytes (they look alike)."""

    code = "sealed: broken"

    def __init__(self, length: int) -> None:
        super().__init__(f"{length} bytes do not open under this key and context; fetch them again or check both")
        self.length = length


@dataclass(frozen=True, slots=True)
class RecipientKeys:
    """An X25519 pair, 32 bytes each. `public` is the `recipient_key` of an order; `private` is never printed."""

    public: bytes
    private: bytes = field(repr=False)


def new_seed() -> bytes:
    """Draw a fresh 32-byte secret: a seed for `recipient_keypair` or a spec's output key."""
    return secrets.token_bytes(KEY_BYTES)


def recipient_keypair(seed: bytes) -> RecipientKeys:
    """Derive a requester's recipient keys from a secret seed of 32 bytes, the same on every machine.

    private = HKDF-SHA256(ikm = seed, no salt, info = "STUN recipient key v1"), 32 bytes, clamped by X25519 (RFC 7748).
    Raises KeyRefused.
    """
    _check_key("seed", seed)
    private = _derive(seed, _RECIPIENT_INFO, KEY_BYTES)
    return RecipientKeys(X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw(), private)


def seal(data: bytes, recipient_key: bytes, context: bytes) -> bytes:
    """Encrypt so that only the holder of the recipient's private key can read, and only under the same context.

    HPKE base mode (RFC 9180: X25519, HKDF-SHA256, AES-256-GCM), info = "STUN seal v1|" + context. Returns
    encapsulated key (32) | ciphertext | tag (16), different each time. Raises KeyRefused.
    """
    _check_key("recipient key", recipient_key)
    try:
        return _SUITE.encrypt(data, X25519PublicKey.from_public_bytes(recipient_key), info=_SEAL_INFO + context)
    except ValueError as error:
        raise KeyRefused("recipient key", "its point has small order; nothing sealed to it would be secret") from error


def open_sealed(sealed: bytes, private_key: bytes, context: bytes) -> bytes:
    """Decrypt what `seal` made for this private key (32 bytes) and context. Raises SealBroken, KeyRefused."""
    _check_key("private key", private_key)
    try:
        return _SUITE.decrypt(sealed, X25519PrivateKey.from_private_bytes(private_key), info=_SEAL_INFO + context)
    except InvalidTag as error:
        raise SealBroken(len(sealed)) from error


def encrypt_deterministic(data: bytes, key: bytes, context: bytes) -> bytes:
    """Encrypt so that honest replicas of a private task, which know the spec's output key, get equal ciphertexts.

    AES-256-SIV (RFC 5297) without a nonce, made for this: the 16-byte tag is a pseudorandom function of context and
    data and serves as the initial vector too, so there is no nonce to repeat. Besides the length, all that leaks is
    that two ciphertexts under one key *and* context hold the same data. Bind the context to the task (its spec
    digest), so that equal outputs of different tasks look unrelated. SIV does not commit to its key: rely on it only
    beside a digest of the plaintext, as the output digest of a private task has (`output_root`).
    Key of the cipher: HKDF-SHA256(ikm = output key, no salt, info = "STUN deterministic v1"), 64 bytes; associated
    data: the context, one component. Returns tag (16) | ciphertext. Raises KeyRefused.
    """
    return _siv(key).encrypt(data, [context])


def decrypt_deterministic(encrypted: bytes, key: bytes, context: bytes) -> bytes:
    """Decrypt what `encrypt_deterministic` made under this key and context. Raises SealBroken, KeyRefused."""
    try:
        return _siv(key).decrypt(encrypted, [context])
    except InvalidTag as error:
        raise SealBroken(len(encrypted)) from error


def _siv(key: bytes) -> AESSIV:
    _check_key("output key", key)
    return AESSIV(_derive(key, _DETERMINISTIC_INFO, 2 * KEY_BYTES))


def _derive(secret: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=info).derive(secret)


def _check_key(what: str, key: bytes) -> None:
    if len(key) != KEY_BYTES:
        raise KeyRefused(what, f"{len(key)} bytes; it has {KEY_BYTES}")

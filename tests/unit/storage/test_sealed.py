"""Sealing and deterministic encryption, against independent implementations and hostile bytes."""

import hashlib
import hmac

import pytest
from Crypto.Cipher import AES
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from stun.storage.sealed import (
    DETERMINISTIC_OVERHEAD_BYTES,
    SEAL_OVERHEAD_BYTES,
    KeyRefused,
    RecipientKeys,
    SealBroken,
    decrypt_deterministic,
    encrypt_deterministic,
    new_seed,
    open_sealed,
    recipient_keypair,
    seal,
)

pytestmark = pytest.mark.unit
REQUESTER = recipient_keypair(bytes(range(32)))
STRANGER = recipient_keypair(b"\x01" * 32)
OUTPUT_KEY = b"\x07" * 32
SMALL_ORDER_POINTS = [
    bytes(32),
    b"\x01" + bytes(31),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
]


def _hkdf(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """HKDF-SHA256 as RFC 5869 writes it, for at most 255 blocks."""
    secret = hmac.digest(salt or bytes(32), secret, "sha256")
    return _expand(secret, info, length)


def _expand(key: bytes, info: bytes, length: int) -> bytes:
    block, out = b"", b""
    for counter in range(1, -(-length // 32) + 1):
        block = hmac.digest(key, block + info + bytes([counter]), "sha256")
        out += block
    return out[:length]


def _open_by_rfc9180(sealed: bytes, private_key: bytes, info: bytes) -> bytes:
    """HPKE base mode, single shot, straight from RFC 9180 sections 4.1 and 5.1."""
    kem, hpke = b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01\x00\x02"

    def extract(suite: bytes, salt: bytes, label: bytes, secret: bytes) -> bytes:
        return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + secret, "sha256")

    def expand(suite: bytes, key: bytes, label: bytes, context: bytes, length: int) -> bytes:
        return _expand(key, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + context, length)

    private = X25519PrivateKey.from_private_bytes(private_key)
    shared = private.exchange(X25519PublicKey.from_public_bytes(sealed[:32]))
    kem_context = sealed[:32] + private.public_key().public_bytes_raw()
    secret = expand(kem, extract(kem, b"", b"eae_prk", shared), b"shared_secret", kem_context, 32)
    schedule = b"\0" + extract(hpke, b"", b"psk_id_hash", b"") + extract(hpke, b"", b"info_hash", info)
    key_secret = extract(hpke, secret, b"secret", b"")
    key = expand(hpke, key_secret, b"key", schedule, 32)
    nonce = expand(hpke, key_secret, b"base_nonce", schedule, 12)
    return AESGCM(key).decrypt(nonce, sealed[32:], b"")


def test_recipient_keys_follow_the_documented_derivation() -> None:
    private = _hkdf(bytes(range(32)), b"", b"STUN recipient key v1", 32)
    public = X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
    assert RecipientKeys(public, private) == REQUESTER
    assert REQUESTER.public != STRANGER.public


def test_private_key_is_not_printed() -> None:
    assert REQUESTER.private.hex() not in repr(REQUESTER)
    assert repr(REQUESTER.private) not in repr(REQUESTER)


def test_seeds_are_fresh() -> None:
    assert len({new_seed() for _ in range(100)}) == 100
    assert len(new_seed()) == 32


@given(data=st.binary(max_size=200), context=st.binary(max_size=50))
def test_recipient_opens_what_was_sealed(data: bytes, context: bytes) -> None:
    sealed = seal(data, REQUESTER.public, context)
    assert len(sealed) == len(data) + SEAL_OVERHEAD_BYTES
    assert open_sealed(sealed, REQUESTER.private, context) == data


def test_seal_is_hpke_of_rfc_9180() -> None:
    sealed = seal(b"an output", REQUESTER.public, b"task 1")
    assert _open_by_rfc9180(sealed, REQUESTER.private, b"STUN seal v1|task 1") == b"an output"


def test_sealing_twice_gives_unrelated_bytes() -> None:
    first, second = (seal(b"an output", REQUESTER.public, b"task 1") for _ in range(2))
    assert first[:32] != second[:32]
    assert first[32:] != second[32:]


@pytest.mark.parametrize(
    ("keys", "context"), [(STRANGER, b"task 1"), (REQUESTER, b"task 2"), (REQUESTER, b""), (REQUESTER, b"task 1\0")]
)
def test_other_key_or_context_does_not_open(keys: RecipientKeys, context: bytes) -> None:
    sealed = seal(b"an output", REQUESTER.public, b"task 1")
    with pytest.raises(SealBroken) as caught:
        open_sealed(sealed, keys.private, context)
    assert caught.value.length == len(sealed)


def test_every_truncation_and_every_flipped_bit_breaks_the_seal() -> None:
    sealed = seal(b"an output", REQUESTER.public, b"task 1")
    truncated = [sealed[:length] for length in range(len(sealed))]
    flipped = [sealed[:i] + bytes([sealed[i] ^ 1]) + sealed[i + 1 :] for i in range(len(sealed))]
    for hostile in [*truncated, *flipped, sealed + b"\0"]:
        with pytest.raises(SealBroken):
            open_sealed(hostile, REQUESTER.private, b"task 1")


@pytest.mark.parametrize("point", SMALL_ORDER_POINTS)
def test_points_of_small_order_are_refused_on_both_sides(point: bytes) -> None:
    with pytest.raises(KeyRefused, match="small order"):
        seal(b"an output", point, b"task 1")
    with pytest.raises(SealBroken):
        open_sealed(point + bytes(25), REQUESTER.private, b"task 1")


@pytest.mark.parametrize("key", [b"", bytes(31), bytes(33), bytes(64)])
def test_keys_of_other_lengths_are_refused(key: bytes) -> None:
    with pytest.raises(KeyRefused):
        recipient_keypair(key)
    with pytest.raises(KeyRefused):
        seal(b"", key, b"")
    with pytest.raises(KeyRefused):
        open_sealed(bytes(48), key, b"")
    with pytest.raises(KeyRefused):
        encrypt_deterministic(b"", key, b"")
    with pytest.raises(KeyRefused):
        decrypt_deterministic(bytes(16), key, b"")


@given(data=st.binary(max_size=200), context=st.binary(max_size=50))
def test_replicas_agree_and_the_requester_decrypts(data: bytes, context: bytes) -> None:
    encrypted = encrypt_deterministic(data, OUTPUT_KEY, context)
    assert encrypted == encrypt_deterministic(data, OUTPUT_KEY, context)
    assert len(encrypted) == len(data) + DETERMINISTIC_OVERHEAD_BYTES
    assert decrypt_deterministic(encrypted, OUTPUT_KEY, context) == data


def test_deterministic_bytes_are_pinned() -> None:
    encrypted = encrypt_deterministic(b"an output", OUTPUT_KEY, b"task 1")
    assert encrypted.hex() == "6ae53038de5f6eada7913e66946c91575917daab541a739e6b"


@given(data=st.binary(min_size=1, max_size=100), context=st.binary(min_size=1, max_size=50))
def test_deterministic_encryption_is_aes_siv_of_rfc_5297(data: bytes, context: bytes) -> None:
    cipher = AES.new(_hkdf(OUTPUT_KEY, b"", b"STUN deterministic v1", 64), AES.MODE_SIV)
    cipher.update(context)
    ciphertext, tag = cipher.encrypt_and_digest(data)
    assert encrypt_deterministic(data, OUTPUT_KEY, context) == tag + ciphertext


def test_equal_outputs_of_different_tasks_or_keys_look_unrelated() -> None:
    data = b"label: cat" * 4
    variants = [
        encrypt_deterministic(data, OUTPUT_KEY, b"task 1"),
        encrypt_deterministic(data, OUTPUT_KEY, b"task 2"),
        encrypt_deterministic(data, hashlib.sha256(OUTPUT_KEY).digest(), b"task 1"),
    ]
    assert len({variant[:16] for variant in variants}) == len({variant[16:] for variant in variants}) == 3


def test_every_change_breaks_deterministic_decryption() -> None:
    encrypted = encrypt_deterministic(b"an output", OUTPUT_KEY, b"task 1")
    truncated = [encrypted[:length] for length in range(len(encrypted))]
    flipped = [encrypted[:i] + bytes([encrypted[i] ^ 1]) + encrypted[i + 1 :] for i in range(len(encrypted))]
    for hostile in [*truncated, *flipped, encrypted + b"\0"]:
        with pytest.raises(SealBroken):
            decrypt_deterministic(hostile, OUTPUT_KEY, b"task 1")
    for key, context in ((bytes(32), b"task 1"), (OUTPUT_KEY, b"task 2")):
        with pytest.raises(SealBroken):
            decrypt_deterministic(encrypted, key, context)

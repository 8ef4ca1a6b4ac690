"""Names, sizes and digests of blobs; the event-loop flavour of a store."""

import hashlib

import pytest

from stun.protocol.errors import StunError
from stun.storage.blobs import (
    AsyncBlobStore,
    BlobCorrupt,
    BlobMissing,
    BlobStore,
    BlobTooLarge,
    DigestInvalid,
    StoreUnavailable,
    ThreadedBlobStore,
    check_digest,
    check_size,
    digest_from_hex,
    digest_of,
    hex_name,
)
from stun.storage.folder import FolderBlobStore

pytestmark = pytest.mark.unit


def test_digest_is_sha256_of_content() -> None:
    assert digest_of(b"blob") == hashlib.sha256(b"blob").digest()


def test_hex_names_return_to_their_digest() -> None:
    digest = digest_of(b"blob")
    assert digest_from_hex(hex_name(digest)) == digest


@pytest.mark.parametrize("digest", [b"", b"\0" * 31, b"\0" * 33, b"\0" * 64])
def test_names_of_other_lengths_are_refused(digest: bytes) -> None:
    with pytest.raises(DigestInvalid) as caught:
        hex_name(digest)
    assert caught.value.length == len(digest)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "ab" * 31,
        "ab" * 33,
        "AB" * 32,
        "0x" + "ab" * 31,
        " " + "ab" * 31 + " ",
        "ab " * 21 + "a",
        "../" * 21 + "a",
        "\uff11" * 64,
        "g" * 64,
    ],
)
def test_only_the_canonical_spelling_is_read(name: str) -> None:
    with pytest.raises(DigestInvalid):
        digest_from_hex(name)


def test_wrong_digest_names_both() -> None:
    with pytest.raises(BlobCorrupt) as caught:
        check_digest(b"other", digest_of(b"blob"))
    assert (caught.value.expected, caught.value.actual) == (digest_of(b"blob"), digest_of(b"other"))


def test_size_limit_is_inclusive() -> None:
    check_size(b"1234", 4)
    with pytest.raises(BlobTooLarge) as caught:
        check_size(b"12345", 4)
    assert (caught.value.size, caught.value.limit) == (5, 4)


def test_every_error_is_a_stun_error_with_a_code() -> None:
    errors = [
        DigestInvalid(3),
        BlobMissing(bytes(32)),
        BlobCorrupt(bytes(32), bytes(32)),
        BlobTooLarge(2, None),
        StoreUnavailable("store", "why"),
    ]
    assert all(isinstance(error, StunError) for error in errors)
    assert len({error.code for error in errors}) == len(errors)


async def test_threaded_store_keeps_answers_and_errors(folder_store: FolderBlobStore) -> None:
    plain: BlobStore = folder_store
    store: AsyncBlobStore = ThreadedBlobStore(plain)
    digest = await store.put(b"blob")
    assert await store.get(digest) == b"blob"
    assert await store.has(digest)
    assert not await store.has(bytes(32))
    assert store.name == folder_store.name
    with pytest.raises(BlobMissing):
        await store.get(bytes(32))

"""Bodies from strangers: each bound is met exactly and what was taken is always given back."""

from collections.abc import AsyncIterator

import anyio
import pytest

from stun.storage.blobs import BlobTooLarge
from stun.storage.uploads import ServerBusy, Uploads, UploadSlow

pytestmark = pytest.mark.unit


async def _chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def _never() -> AsyncIterator[bytes]:
    yield b"first"
    await anyio.sleep_forever()


async def test_body_of_the_largest_size_arrives() -> None:
    uploads = Uploads(max_bytes=6, all_bytes=6, seconds=5)
    for _ in range(3):
        with uploads.hold() as upload:
            assert await upload.receive(_chunks(b"abc", b"", b"def"), announced=6) == b"abcdef"


async def test_far_too_large_size_is_refused_before_anything_is_read() -> None:
    with Uploads(max_bytes=6, all_bytes=60, seconds=5).hold() as upload:
        with pytest.raises(BlobTooLarge) as caught:
            await upload.receive(_never(), announced=13)
        assert (caught.value.size, caught.value.limit) == (13, 6)
        assert upload.data == b""


@pytest.mark.parametrize("announced", [None, 3, 7])
async def test_slightly_too_large_body_is_read_to_its_end_and_not_kept(announced: int | None) -> None:
    chunks = _chunks(b"abcd", b"efg")
    with Uploads(max_bytes=6, all_bytes=6, seconds=5).hold() as upload:
        with pytest.raises(BlobTooLarge) as caught:
            await upload.receive(chunks, announced)
        assert (caught.value.size, caught.value.limit) == (7, 6)
        assert upload.data == b"abcd"
    assert [chunk async for chunk in chunks] == []


async def test_endless_body_is_left_at_twice_the_limit() -> None:
    chunks = _chunks(*[b"abcd"] * 10)
    with Uploads(max_bytes=6, all_bytes=6, seconds=5).hold() as upload:
        with pytest.raises(BlobTooLarge) as caught:
            await upload.receive(chunks, announced=None)
        assert caught.value.size == 16
    assert len([chunk async for chunk in chunks]) == 6


async def test_unfinished_uploads_together_are_bounded_and_released() -> None:
    uploads = Uploads(max_bytes=6, all_bytes=10, seconds=5)
    with uploads.hold() as first:
        await first.receive(_chunks(b"abcdef"), announced=None)
        with uploads.hold() as second:
            with pytest.raises(ServerBusy) as caught:
                await second.receive(_chunks(b"abcd", b"e"), announced=None)
            assert caught.value.limit == 10
        with uploads.hold() as third:
            assert await third.receive(_chunks(b"abcd"), announced=None) == b"abcd"
    with uploads.hold() as fourth:
        assert await fourth.receive(_chunks(b"abcdef"), announced=None) == b"abcdef"


async def test_stalled_body_is_refused_in_time() -> None:
    uploads = Uploads(max_bytes=6, all_bytes=6, seconds=0.01)
    with uploads.hold() as upload:
        with pytest.raises(UploadSlow) as caught:
            await upload.receive(_never(), announced=None)
        assert caught.value.seconds == 0.01
    with uploads.hold() as upload:
        assert await upload.receive(_chunks(b"abcdef"), announced=None) == b"abcdef"

"""Receiving bodies from strangers: bounded in bytes each, in bytes all together, and in time."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import anyio

from stun.storage.blobs import BlobError, BlobTooLarge

DRAINED_TIMES = 2


class ServerBusy(BlobError):
    """Unfinished uploads fill the memory set aside for them. Try later."""

    code = "server: busy"

    def __init__(self, limit: int) -> None:
        super().__init__(f"unfinished uploads hold {limit} bytes already; try later")
        self.limit = limit


class UploadSlow(BlobError):
    """A body did not arrive in time. Send it again over a faster line, or split the blob."""

    code = "server: slow upload"

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the body took longer than {seconds} seconds; send it faster or split the blob")
        self.seconds = seconds


class Uploads:
    """The unfinished uploads of one server process: `max_bytes` each, `all_bytes` together, `seconds` each.

    Bytes count when they arrive, so that a body that is announced and never sent holds nothing.
    """

    def __init__(self, max_bytes: int, all_bytes: int, seconds: float) -> None:
        self.max_bytes = max_bytes
        self._all_bytes = all_bytes
        self.seconds = seconds
        self._held = 0

    @contextmanager
    def hold(self) -> Iterator["Upload"]:
        """Open an upload; what it took is given back when the block ends, however it ends."""
        upload = Upload(self)
        try:
            yield upload
        finally:
            self._held -= len(upload.data)

    def take(self, size: int) -> None:
        """Account for `size` bytes more. Raises ServerBusy."""
        if self._held + size > self._all_bytes:
            raise ServerBusy(self._all_bytes)
        self._held += size


class Upload:
    """One body, as far as it has arrived."""

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads
        self.data = bytearray()

    async def receive(self, chunks: AsyncIterator[bytes], announced: int | None) -> bytes:
        """Read the body; `announced` is its Content-Length, if any. Raises BlobTooLarge, ServerBusy, UploadSlow.

        A body above the limit is read on, and dropped, up to twice the limit: a client that is still sending when
        the connection closes may never see why.
        """
        limit = self._uploads.max_bytes
        size = announced or 0
        if size <= DRAINED_TIMES * limit:
            size = max(size, await self._drain(chunks, limit))
        if size > limit:
            raise BlobTooLarge(size, limit)
        return bytes(self.data)

    async def _drain(self, chunks: AsyncIterator[bytes], limit: int) -> int:
        """Read to the end or past twice the limit, keeping what fits the limit; return the bytes read."""
        size = 0
        try:
            with anyio.fail_after(self._uploads.seconds):
                async for chunk in chunks:
                    size += len(chunk)
                    if size > DRAINED_TIMES * limit:
                        break
                    if size <= limit:
                        self._uploads.take(len(chunk))
                        self.data += chunk
        except TimeoutError as error:
            raise UploadSlow(self._uploads.seconds) from error
        return size

"""A blob server over any store: `GET`, `HEAD` and `PUT /blobs/{64 hex digits}`.

Errors are JSON `{"error": code, "message": text}`. There are no accounts: whoever reaches the server may put blobs, so
it binds to loopback by default; a public one stands behind a proxy that limits rates and on a disk of limited space.
Run it with `python -m stun.storage.server`; its settings are environment variables `STUN_BLOBS_*`.
"""

import os
from http import HTTPStatus
from typing import Any

import structlog
from granian.constants import Interfaces
from granian.server.mp import MPServer
from litestar import Litestar, Request, Response, get, head, put
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.params import FromPath
from pydantic_settings import BaseSettings, SettingsConfigDict

from stun.storage.blobs import (
    DEFAULT_MAX_BYTES,
    BlobCorrupt,
    BlobError,
    BlobMissing,
    BlobStore,
    BlobTooLarge,
    DigestInvalid,
    ThreadedBlobStore,
    digest_from_hex,
    digest_of,
)
from stun.storage.folder import FolderBlobStore
from stun.storage.uploads import ServerBusy, Uploads, UploadSlow

UPLOAD_SECONDS = 60.0
UPLOADS_IN_MEMORY = 4
AnyRequest = Request[Any, Any, Any]


class BodyMismatch(BlobCorrupt):
    """The body of an upload does not hash to the name it was put under; nothing was held."""

    code = "blobs: body differs from name"


class BlobServerSettings(BaseSettings):
    """Where the server keeps blobs and listens; each field is also the variable `STUN_BLOBS_<FIELD>`."""

    model_config = SettingsConfigDict(env_prefix="STUN_BLOBS_")

    url: str = "~/.stun/blobs"
    host: str = "127.0.0.1"
    port: int = 8645
    max_bytes: int = DEFAULT_MAX_BYTES


@get("/blobs/{name:str}")
async def serve_blob(name: FromPath[str], state: State) -> Response[bytes]:
    """Serve a blob whose digest was checked; browsers are told never to run it, caches that it never changes."""
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable",
        "Content-Security-Policy": "sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    data = await state.store.get(digest_from_hex(name))
    return Response(data, media_type="application/octet-stream", headers=headers)


@head("/blobs/{name:str}")
async def find_blob(name: FromPath[str], state: State) -> None:
    """Answer 200 if a blob is held, 404 if not; never a body."""
    digest = digest_from_hex(name)
    if not await state.store.has(digest):
        raise BlobMissing(digest)


@put("/blobs/{name:str}", status_code=HTTPStatus.CREATED)
async def accept_blob(name: FromPath[str], request: AnyRequest, state: State) -> dict[str, str]:
    """Hold the body if it hashes to its name; the same blob again is no error."""
    digest = digest_from_hex(name)
    with state.uploads.hold() as upload:
        data = await upload.receive(request.stream(), request.content_length)
        if digest_of(data) != digest:
            raise BodyMismatch(digest, digest_of(data))
        await state.store.put(data)
    return {"digest": name}


def create_app(
    store: BlobStore, max_bytes: int = DEFAULT_MAX_BYTES, upload_seconds: float = UPLOAD_SECONDS
) -> Litestar:
    """Make the ASGI application over a store; bodies above `max_bytes` bytes are refused with 413.

    A body must arrive within `upload_seconds`, and all unfinished ones together stay below four times `max_bytes`.
    """
    uploads = Uploads(max_bytes, UPLOADS_IN_MEMORY * max_bytes, upload_seconds)
    return Litestar(
        route_handlers=[serve_blob, find_blob, accept_blob],
        state=State({"store": ThreadedBlobStore(store), "uploads": uploads}, deep_copy=False),
        exception_handlers={BlobError: _answer_blob_error, HTTPException: _answer_http_error, Exception: _answer_bug},
        openapi_config=None,
        request_max_body_size=None,
    )


def app_from_environment() -> Litestar:
    """Make the application that the environment describes, in each worker of the server."""
    settings = BlobServerSettings()
    return create_app(FolderBlobStore(settings.url, settings.max_bytes), settings.max_bytes)


def serve(settings: BlobServerSettings) -> None:
    """Run the server until SIGINT or SIGTERM; workers learn the settings through the environment."""
    os.environ.update({f"STUN_BLOBS_{key.upper()}": str(value) for key, value in settings.model_dump().items()})
    MPServer(
        "stun.storage.server:app_from_environment",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        factory=True,
        websockets=False,
        workers_kill_timeout=10,
    ).serve()


_STATUS: dict[type[BlobError], HTTPStatus] = {
    DigestInvalid: HTTPStatus.BAD_REQUEST,
    BodyMismatch: HTTPStatus.BAD_REQUEST,
    BlobMissing: HTTPStatus.NOT_FOUND,
    BlobTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    UploadSlow: HTTPStatus.REQUEST_TIMEOUT,
    ServerBusy: HTTPStatus.SERVICE_UNAVAILABLE,
}


def _answer_blob_error(request: AnyRequest, error: BlobError) -> Response[dict[str, str]]:
    """Answer the caller's own mistakes in full; of the store's failures only the code leaves the server."""
    status = _STATUS.get(type(error))
    if status is not None:
        return _answer(status, error.code, str(error))
    structlog.get_logger().error("blob_store_failed", path=request.url.path, code=error.code, reason=str(error))
    return _answer(HTTPStatus.BAD_GATEWAY, error.code, "the store behind this server failed; try another one")


def _answer_http_error(request: AnyRequest, error: HTTPException) -> Response[dict[str, str]]:
    status = HTTPStatus(error.status_code)
    return _answer(status, f"server: {status.phrase.lower()}", error.detail)


def _answer_bug(request: AnyRequest, error: Exception) -> Response[dict[str, str]]:
    """Log an error nobody expected with its trace, and answer without a word of it."""
    structlog.get_logger().error("blob_server_bug", path=request.url.path, exc_info=error)
    return _answer(HTTPStatus.INTERNAL_SERVER_ERROR, "server: internal server error", "see the server's log")


def _answer(status: HTTPStatus, code: str, message: str) -> Response[dict[str, str]]:
    return Response({"error": code, "message": message}, status_code=status)


if __name__ == "__main__":
    serve(BlobServerSettings())

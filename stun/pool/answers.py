"""What the pool answers when something is wrong: JSON `{"error": code, "message": text}` with a fitting status."""

from http import HTTPStatus
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException

from stun.chains.interface import ChainError
from stun.pool.errors import (
    BodySlow,
    BodyTooLarge,
    EntryConflict,
    EntryUnknown,
    PoolError,
    PoolFull,
    QueryInvalid,
    RateLimited,
    WireInvalid,
)
from stun.pool.stream import ListenersFull
from stun.protocol.errors import Rejected

AnyRequest = Request[Any, Any, Any]

_STATUS: dict[type[PoolError], HTTPStatus] = {
    WireInvalid: HTTPStatus.BAD_REQUEST,
    QueryInvalid: HTTPStatus.BAD_REQUEST,
    EntryUnknown: HTTPStatus.NOT_FOUND,
    BodySlow: HTTPStatus.REQUEST_TIMEOUT,
    EntryConflict: HTTPStatus.CONFLICT,
    BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    RateLimited: HTTPStatus.TOO_MANY_REQUESTS,
    PoolFull: HTTPStatus.INSUFFICIENT_STORAGE,
    ListenersFull: HTTPStatus.SERVICE_UNAVAILABLE,
}


def _answer_pool_error(request: AnyRequest, error: PoolError) -> Response[dict[str, str]]:
    status = _STATUS.get(type(error))
    return _answer_bug(request, error) if status is None else _answer(status, error.code, str(error))


def _answer_rejected(request: AnyRequest, error: Rejected) -> Response[dict[str, str]]:
    """A rule of the protocol refuses: the code is the one the contract would give."""
    return _answer(HTTPStatus.UNPROCESSABLE_ENTITY, error.code, "the market would refuse this")


def _answer_chain_error(request: AnyRequest, error: ChainError) -> Response[dict[str, str]]:
    """Log why the chain could not be asked; of endpoints and their words nothing leaves the server."""
    structlog.get_logger().warning("pool_chain_failed", path=request.url.path, reason=str(error))
    return _answer(HTTPStatus.SERVICE_UNAVAILABLE, "chain: unavailable", "the chain cannot be read now; try later")


def _answer_http_error(request: AnyRequest, error: HTTPException) -> Response[dict[str, str]]:
    status = HTTPStatus(error.status_code)
    return _answer(status, f"server: {status.phrase.lower()}", error.detail)


def _answer_bug(request: AnyRequest, error: Exception) -> Response[dict[str, str]]:
    """Log an error nobody expected with its trace, and answer without a word of it."""
    structlog.get_logger().error("pool_server_bug", path=request.url.path, exc_info=error)
    return _answer(HTTPStatus.INTERNAL_SERVER_ERROR, "server: internal server error", "see the server's log")


def _answer(status: HTTPStatus, code: str, message: str) -> Response[dict[str, str]]:
    return Response({"error": code, "message": message}, status_code=status)


EXCEPTION_HANDLERS: dict[int | type[Exception], Any] = {
    PoolError: _answer_pool_error,
    Rejected: _answer_rejected,
    ChainError: _answer_chain_error,
    HTTPException: _answer_http_error,
    Exception: _answer_bug,
}

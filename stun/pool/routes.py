"""The pool's HTTP routes. Paths name kinds in the plural; digests and accounts are 64 hex digits with or without 0x."""

import asyncio
import re
from http import HTTPStatus
from typing import Any

from litestar import Request, Response, get, post
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath

from stun.pool.envelopes import Kind
from stun.pool.errors import BodySlow, BodyTooLarge, EntryUnknown, QueryInvalid
from stun.pool.service import PoolService
from stun.pool.store import Entry
from stun.pool.wire import MAX_BYTES

AnyRequest = Request[Any, Any, Any]
Json = dict[str, Any]
PAGE = 100
MAX_PAGE = 500
MAX_CURSOR = 2**63 - 1
_HEX = re.compile(r"(?:0x)?([0-9a-f]{64})")
_NUMBER = re.compile(r"[0-9]{1,19}")
_KINDS = {("deliveries" if kind is Kind.DELIVERY else f"{kind.value}s"): kind for kind in Kind}
_LISTS = [f"/{plural}" for plural in _KINDS]  # whole paths: the router does not fall back to /{plural}
_OF_BATCH = {Kind.COMMIT, Kind.POST, Kind.OPENING, Kind.DELIVERY}
_FILTERS = {"batch": "batch_id", "account": "account", "recipient": "recipient"}
_OWN_NAMES: dict[Kind, dict[str, str]] = {
    Kind.ASK: {"provider": "recipient", "matcher": "account", "order": "batch_id"},
    Kind.ORDER: {"requester": "account"},
    Kind.BID: {"provider": "account", "order": "batch_id"},
    Kind.PROFILE: {"provider": "account"},
}


def limit_rate(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Count every request of a client address. Errors: RateLimited."""
    connection.app.state.pool.rates.take(address_of(connection))


def address_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """The client's address as the socket gives it; no header is trusted."""
    return connection.client.host if connection.client else "unknown"


@get("/health", guards=[limit_rate])
async def health(request: AnyRequest) -> Response[Json]:
    """Which market this pool serves, and whether it still follows the chain (503 if not)."""
    pool = _pool(request)
    domain, swept = pool.market.domain, pool.swept
    body = {
        "chain": pool.market.chain,
        "domain": "0x" + domain.separator().hex(),
        "epoch": pool.store.epoch,
        "swept_block": None if swept is None else swept.head,
        "entries": await asyncio.to_thread(pool.store.count),
        "fault": pool.fault,
    }
    return Response(body, status_code=HTTPStatus.OK if pool.fault is None else HTTPStatus.SERVICE_UNAVAILABLE)


@post(_LISTS, guards=[limit_rate])
async def take(request: AnyRequest) -> Response[Json]:
    """Take in one envelope: 201 when new, 200 when it was held already."""
    kind = _kind(request.url.path.strip("/"))
    entry, created = await _pool(request).admit(kind, await _body(request))
    status = HTTPStatus.CREATED if created else HTTPStatus.OK
    answer = {"cursor": entry.cursor, "digest": "0x" + entry.digest.hex(), "conflict": entry.conflict}
    return Response(answer, status_code=status)


@get(_LISTS, guards=[limit_rate])
async def list_entries(request: AnyRequest) -> Json:
    """Page through the open entries of one kind."""
    return await _page(request, _kind(request.url.path.strip("/")))


@get("/orders/{digest:str}", guards=[limit_rate])
async def show_order(request: AnyRequest, digest: FromPath[str]) -> Json:
    """Every variant of one order, also when it is matched or cancelled."""
    pool = _pool(request)
    found = await asyncio.to_thread(pool.store.orders, _digest(digest, "digest"))
    if not found:
        raise EntryUnknown("order")
    return _listed(pool, found, 0)


@get("/orders/{digest:str}/bids", guards=[limit_rate])
async def list_bids(request: AnyRequest, digest: FromPath[str]) -> Json:
    """Page through the bids on one order."""
    return await _page(request, Kind.BID, batch_id=_digest(digest, "digest"))


@get("/batches/{digest:str}/{plural:str}", guards=[limit_rate])
async def list_of_batch(request: AnyRequest, digest: FromPath[str], plural: FromPath[str]) -> Json:
    """Page through what belongs to one batch."""
    kind = _kind(plural)
    if kind not in _OF_BATCH:
        raise EntryUnknown(f"list of {kind}s of a batch")
    return await _page(request, kind, batch_id=_digest(digest, "batch"))


ROUTES = [health, take, list_entries, show_order, list_bids, list_of_batch]


def number(text: str | None, name: str, default: int, most: int) -> int:
    """A number of a query, capped at `most`. Errors: QueryInvalid."""
    if text is None:
        return default
    if not _NUMBER.fullmatch(text):
        raise QueryInvalid(f"{name} needs decimal digits")
    return min(int(text), most)


def _pool(request: AnyRequest) -> PoolService:
    service = request.app.state.pool
    assert isinstance(service, PoolService)
    return service


def _kind(plural: str) -> Kind:
    if plural not in _KINDS:
        raise EntryUnknown("such path")
    return _KINDS[plural]


def _digest(text: str, name: str) -> bytes:
    found = _HEX.fullmatch(text)
    if found is None:
        raise QueryInvalid(f"{name} needs 64 lower-case hex digits")
    return bytes.fromhex(found[1])


async def _page(request: AnyRequest, kind: Kind, **fixed: bytes) -> Json:
    query = request.query_params
    names = _FILTERS | _OWN_NAMES.get(kind, {})
    unknown = set(query) - set(names) - {"after", "limit"}
    if unknown:
        raise QueryInvalid(f"{ascii(min(unknown))[:40]} is no filter of {kind}s")
    filters = {names[name]: _digest(query[name], name) for name in query if name in names} | fixed
    after = number(query.get("after"), "after", 0, MAX_CURSOR)
    limit = max(1, number(query.get("limit"), "limit", PAGE, MAX_PAGE))
    pool = _pool(request)
    entries = await asyncio.to_thread(pool.store.list_open, [kind], after, limit, pool.now, **filters)
    return _listed(pool, entries, after)


def _listed(pool: PoolService, entries: list[Entry], after: int) -> Json:
    last = entries[-1].cursor if entries else after
    return {"epoch": pool.store.epoch, "items": [entry.to_json() for entry in entries], "next": last}


async def _body(request: AnyRequest) -> bytes:
    """Read a body within size and time. Errors: BodyTooLarge, BodySlow."""
    seconds = _pool(request).settings.body_seconds
    if (request.content_length or 0) > MAX_BYTES:
        raise BodyTooLarge(MAX_BYTES)
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BYTES:
                    raise BodyTooLarge(MAX_BYTES)
    except TimeoutError as error:
        raise BodySlow(seconds) from error
    return bytes(body)

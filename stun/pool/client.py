"""One pool, read and written over HTTP. What it serves is checked; what is wrong is reported and skipped."""

import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx
import structlog

from stun.chains.market import BatchUnknown, MarketReader
from stun.pool.envelopes import Envelope, Kind, OrderEnvelope, kind_of
from stun.pool.errors import PoolError, PoolLied, PoolRefused, PoolUnavailable, WireInvalid
from stun.pool.inspection import Received, fields_of, inspect, is_current, read_item
from stun.pool.reading import PoolReading
from stun.pool.wire import encode, parse
from stun.protocol.errors import Rejected

TIMEOUT_SECONDS = 10.0
DEADLINE_SECONDS = 60.0
MAX_ANSWER_BYTES = 16 * 1024**2
MAX_PAGES = 1_000
PAGE = 100
Report = Callable[[PoolError], None]


@dataclass(frozen=True, slots=True)
class Receipt:
    """A pool's word that it holds an envelope; `created` is False if it held it before."""

    pool: str
    cursor: int
    created: bool
    conflict: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Checked entries, the pool's epoch, and the cursor to go on from; `full` if there may be more."""

    epoch: str
    received: tuple[Received, ...]
    next: int
    full: bool


def log_failure(error: PoolError) -> None:
    """Report a pool that failed or lied as one structured warning."""
    structlog.get_logger().warning("pool_failed", code=error.code, reason=str(error))


class PoolClient(PoolReading):
    """A pool at a URL, checked against `market`. Safe to share between threads.

    Errors of every call: PoolUnavailable, PoolRefused, PoolLied (the answer as a whole is no answer); ChainError.
    """

    def __init__(
        self,
        url: str,
        market: MarketReader,
        report: Report = log_failure,
        timeout: float = TIMEOUT_SECONDS,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.url = _checked(url)
        self.name = str(self.url.copy_with(username=None, password=None))
        self.market = market
        self.report = report
        self._http = httpx.Client(base_url=self.url, timeout=timeout, transport=transport)
        self._shut = weakref.finalize(self, self._http.close)

    def close(self) -> None:
        """Close the connections."""
        self._shut()

    def health(self) -> dict[str, Any]:
        """What the pool says of itself."""
        return self._ask("GET", "health")

    def publish(self, envelope: Envelope) -> Receipt:
        """Bring an envelope to the pool; again is no error. Errors besides: WireInvalid."""
        answer = self._ask("POST", plural(kind_of(envelope)), encode(envelope))
        cursor, conflict = answer.get("cursor"), answer.get("conflict")
        if type(cursor) is not int or type(conflict) is not bool:
            raise PoolLied(self.name, "its receipt has no cursor")
        return Receipt(self.name, cursor, answer["status"] == HTTPStatus.CREATED, conflict)

    def read(
        self, kind: Kind, *, account: bytes | None = None, recipient: bytes | None = None, batch_id: bytes | None = None
    ) -> list[Envelope]:
        """All pages of one kind, see PoolReading."""
        filters = {"account": account, "recipient": recipient, "batch_id": batch_id}
        wanted = {name: value for name, value in filters.items() if value is not None}
        return [received.envelope for page in self._pages(kind, wanted) for received in page.received]

    def page(self, kind: Kind, after: int = 0, wanted: dict[str, bytes] | None = None) -> Page:
        """One page past a cursor, filtered by `account`, `recipient`, `batch_id`."""
        wanted = wanted or {}
        query: dict[str, str | int] = {"after": after, "limit": PAGE}
        query |= {name.removesuffix("_id"): value.hex() for name, value in wanted.items()}
        answer = self._ask("GET", plural(kind), query=query)
        epoch, items = _contents(self.name, answer)
        now = self.market.now()
        received = []
        last = after
        for item in items[:PAGE]:
            checked = self.check(item, (kind,), last)
            last = max(last, _cursor(item))
            if checked is not None and self._fits(checked, wanted) and is_current(self.market, checked.envelope, now):
                received.append(checked)
        return Page(epoch, tuple(received), last, len(items) >= PAGE and last > after)

    def order(self, digest: bytes) -> list[OrderEnvelope]:
        """Every variant of one order, see PoolReading; [] if the pool has none."""
        try:
            answer = self._ask("GET", f"orders/{digest.hex()}")
        except PoolRefused as refusal:
            if refusal.code == "pool: unknown":
                return []
            raise
        found = []
        for item in _contents(self.name, answer)[1][:PAGE]:
            checked = self.check(item, (Kind.ORDER,), -1)
            if checked is None or not isinstance(checked.envelope, OrderEnvelope):
                continue
            if checked.envelope.order.digest(self.market.domain) == digest:
                found.append(checked.envelope)
            else:
                self.report(PoolLied(self.name, "another order than asked for"))
        return found

    def check(self, item: Any, kinds: tuple[Kind, ...], after: int) -> Received | None:
        """Check one served entry; report and return None if no honest pool would serve it."""
        try:
            received = read_item(item, kinds, after)
            inspect(self.market, received.envelope, self._commitments)
            return received
        except WireInvalid as error:
            self.report(PoolLied(self.name, str(error)))
        except Rejected as error:
            self.report(PoolLied(self.name, f"an entry is refused ({error.code})"))
        except BatchUnknown as error:
            self.report(PoolLied(self.name, f"an entry of no batch ({error})"))
        return None

    def _commitments(self, batch_id: bytes, provider: bytes) -> set[bytes]:
        return {found.commit.commitment for found in self.commits(batch_id) if found.commit.provider == provider}

    def _pages(self, kind: Kind, wanted: dict[str, bytes]) -> Iterator[Page]:
        after = 0
        for _ in range(MAX_PAGES):
            page = self.page(kind, after, wanted)
            yield page
            if not page.full:
                return
            after = page.next
        self.report(PoolLied(self.name, f"more than {MAX_PAGES} pages of {kind}s"))

    def _fits(self, received: Received, wanted: dict[str, bytes]) -> bool:
        fields = fields_of(received.envelope)
        fits = all(fields.get(name) == value for name, value in wanted.items())
        if not fits:
            self.report(PoolLied(self.name, f"a {received.kind} that was not asked for"))
        return fits

    def _ask(
        self, method: str, path: str, content: bytes | None = None, query: dict[str, str | int] | None = None
    ) -> dict[str, Any]:
        """One request and its JSON object, with the HTTP status under `status`."""
        headers = {"Accept-Encoding": "identity"} | ({"Content-Type": "application/json"} if content else {})
        request = self._http.build_request(method, path, content=content, params=query, headers=headers)
        try:
            status, body = self._exchange(request)
        except httpx.HTTPError as error:
            raise PoolUnavailable(self.name, f"{type(error).__name__}: {error}") from error
        return _answer(self.name, status, body)

    def _exchange(self, request: httpx.Request) -> tuple[int, bytes]:
        """Send a request; once more if a kept connection turns out to be closed, since every request is idempotent."""
        try:
            answer = self._http.send(request, stream=True)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            answer = self._http.send(request, stream=True)
        with closing(answer):
            return answer.status_code, self._read(answer)

    def _read(self, answer: httpx.Response) -> bytes:
        """Read a body within size and time, however slowly the pool drips bytes."""
        body, deadline = bytearray(), time.monotonic() + DEADLINE_SECONDS
        for chunk in answer.iter_raw():
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                raise PoolLied(self.name, f"an answer above {MAX_ANSWER_BYTES} bytes")
            if time.monotonic() > deadline:
                raise PoolUnavailable(self.name, f"no whole answer in {DEADLINE_SECONDS:g} s")
        return bytes(body)


def plural(kind: Kind) -> str:
    """The path of a kind."""
    return "deliveries" if kind is Kind.DELIVERY else f"{kind.value}s"


def _checked(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url.rstrip("/") + "/")
    except httpx.InvalidURL as error:
        raise PoolUnavailable("pool", f"its address is no URL ({error})") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise PoolUnavailable("pool", "its address must be http://host or https://host")
    return parsed


def _answer(pool: str, status: int, body: bytes) -> dict[str, Any]:
    """Read an answer; a pool's words are cut and escaped, for they may end in a log."""
    try:
        document = parse(body, MAX_ANSWER_BYTES)
    except WireInvalid as error:
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise PoolUnavailable(pool, f"answered {status}") from error
        raise PoolLied(pool, "its answer is not JSON") from error
    if not isinstance(document, dict):
        raise PoolLied(pool, "its answer is no object")
    if status in (HTTPStatus.OK, HTTPStatus.CREATED):
        return document | {"status": status}
    code, message = (ascii(document.get(name, ""))[1:200].rstrip("'") for name in ("error", "message"))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.INSUFFICIENT_STORAGE:
        raise PoolUnavailable(pool, f"answered {status} ({code})")
    raise PoolRefused(pool, code, message)


def _contents(pool: str, answer: dict[str, Any]) -> tuple[str, list[Any]]:
    epoch, items = answer.get("epoch"), answer.get("items")
    if not isinstance(epoch, str) or len(epoch) > 64 or not isinstance(items, list):
        raise PoolLied(pool, "its page has no epoch or no items")
    return epoch, items


def _cursor(item: Any) -> int:
    """The cursor of an entry that may be malformed, 0 if it has none."""
    cursor = item.get("cursor") if isinstance(item, dict) else None
    return cursor if type(cursor) is int and cursor < 1 << 63 else 0

"""drand's HTTP interface, read: `{url}/public/{round}`. No server is trusted: what does not verify is not used.

An answer is bounded in size and time, redirects are not followed, and only the signature is read from it: randomness is
computed, never believed.
"""

import re
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import closing
from http import HTTPStatus

import httpx
import structlog

from keepers.beacon.sources import RoundNotOut, SourceError, SourceLied, SourceUnavailable
from stun.models.bounded_json import JsonRefused, read_bounded_json
from stun.protocol.beacon.bls import check_key, verify
from stun.protocol.errors import Rejected
from stun.protocol.parameters import U64

TIMEOUT_SECONDS = 5.0
DEADLINE_SECONDS = 15.0
MAX_ANSWER_BYTES = 8_192
_SIGNATURE = re.compile("[0-9a-fA-F]{128}")
_NOT_OUT = (HTTPStatus.NOT_FOUND, HTTPStatus.TOO_EARLY)
Report = Callable[[SourceError], None]


def log_failure(error: SourceError) -> None:
    """Report a server that failed or lied as one structured warning."""
    structlog.get_logger().warning("beacon_source_failed", code=error.code, round=error.number, reason=error.reason)


class DrandSource:
    """Rounds of one key from several servers, asked in turn until one gives what verifies.

    `urls` name the network, as https://api.drand.sh/<chain hash>; `key` is its 128 bytes. Errors: Rejected
    ("beacon: key"), ValueError (no URL).
    """

    def __init__(
        self,
        urls: Sequence[str],
        key: bytes,
        report: Report = log_failure,
        timeout: float = TIMEOUT_SECONDS,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        check_key(key)
        self.urls = tuple(_checked(url) for url in urls)
        if not self.urls:
            raise ValueError("a beacon's source needs at least one URL")
        self._key = key
        self._report = report
        self._http = httpx.Client(timeout=timeout, transport=transport, headers={"Accept-Encoding": "identity"})
        self._shut = weakref.finalize(self, self._http.close)

    def close(self) -> None:
        """Close the connections."""
        self._shut()

    def signature(self, number: int) -> bytes:
        """Ask for a round. Errors: RoundNotOut if every server that answers says so, else SourceUnavailable."""
        if not 0 < number <= U64:
            raise RoundNotOut(number, "there is no such round")
        failures: list[SourceError] = []
        for url in self.urls:
            try:
                return self._ask(url, number)
            except RoundNotOut as error:
                failures.append(error)
            except SourceError as error:
                failures.append(error)
                self._report(error)
        answered = [error for error in failures if not isinstance(error, SourceUnavailable)]
        if answered and all(isinstance(error, RoundNotOut) for error in answered):
            raise RoundNotOut(number, "no server has it")
        raise SourceUnavailable(number, "; ".join(error.reason for error in failures))

    def _ask(self, url: str, number: int) -> bytes:
        try:
            status, body = self._read(f"{url}/public/{number}", number)
        except httpx.HTTPError as error:
            raise SourceUnavailable(number, f"{url}: {type(error).__name__}: {error}") from error
        if status in _NOT_OUT:
            raise RoundNotOut(number, f"{url} does not have it")
        if status != HTTPStatus.OK:
            raise SourceUnavailable(number, f"{url} answered {status}")
        signature = _signature(url, number, body)
        try:
            verify(self._key, number, signature)
        except Rejected as refusal:
            raise SourceLied(number, f"{url}: {refusal.code}") from None
        return signature

    def _read(self, url: str, number: int) -> tuple[int, bytes]:
        """Read an answer within size and time, however slowly it drips."""
        body, deadline = bytearray(), time.monotonic() + DEADLINE_SECONDS
        with closing(self._http.send(self._http.build_request("GET", url), stream=True)) as answer:
            for chunk in answer.iter_raw():
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    raise SourceLied(number, f"{url}: an answer above {MAX_ANSWER_BYTES} bytes")
                if time.monotonic() > deadline:
                    raise SourceUnavailable(number, f"{url}: no whole answer in {DEADLINE_SECONDS:g} s")
            return answer.status_code, bytes(body)


def _signature(url: str, number: int, body: bytes) -> bytes:
    try:
        answer = read_bounded_json(body)
    except JsonRefused as error:
        raise SourceLied(number, f"{url}: {error}") from None
    if not isinstance(answer, dict) or type(answer.get("round")) is not int or answer["round"] != number:
        raise SourceLied(number, f"{url}: another round than asked for")
    text = answer.get("signature")
    if not isinstance(text, str) or not _SIGNATURE.fullmatch(text):
        raise SourceLied(number, f"{url}: no signature of 64 bytes")
    return bytes.fromhex(text)


def _checked(url: str) -> str:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ValueError(f"a beacon's address is no URL ({error})") from None
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.query or parsed.fragment:
        raise ValueError("a beacon's address must be http://host/path or https://host/path")
    return url.rstrip("/")

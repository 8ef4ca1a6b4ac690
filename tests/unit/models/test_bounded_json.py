"""JSON whose nesting would end the process is refused before it is parsed, in time linear in its size."""

import json
import sys
import time
from collections.abc import Iterator

import pytest

from stun.models.bounded_json import JsonRefused, read_bounded_json

pytestmark = pytest.mark.unit


@pytest.fixture
def _high_recursion_limit() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.usefixtures("_high_recursion_limit")
@pytest.mark.parametrize("data", [b"[" * 500_000, b'{"a":' * 200_000, b"[" * 65 + b"]" * 65, b'"\\""' + b"[" * 65])
def test_deep_nesting_is_refused(data: bytes) -> None:
    with pytest.raises(JsonRefused, match="levels of nesting"):
        read_bounded_json(data)


@pytest.mark.parametrize("document", [[[[1]]], {"a": "[[[" * 100}, {"b\\": '"[{'}, "[" * 100, {'é"\\': ["\\\\", "]"]}])
def test_shallow_documents_are_read(document: object) -> None:
    assert read_bounded_json(json.dumps(document).encode()) == document
    assert read_bounded_json(json.dumps(document, ensure_ascii=False).encode()) == document


@pytest.mark.parametrize("data", [b"", b"\xff", b'"open', b"[1,]", b"[" * 64, b"]" * 100])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(JsonRefused, match="not JSON"):
        read_bounded_json(data)


@pytest.mark.parametrize("data", [b'"' + b'\\"' * 500_000, b'"' * 999_999, b'"\\' * 500_000])
def test_quotes_take_linear_time(data: bytes) -> None:
    started = time.process_time()
    with pytest.raises(JsonRefused):
        read_bounded_json(data)
    assert time.process_time() - started < 2

"""Roots of a trace: sixteen at a time and one by one are the same."""

import sys
from hashlib import sha256

import numpy as np
import pytest
from exact_models import minilm_graph, some_ids
from hypothesis import given
from hypothesis import strategies as st

from stun.models.exact import hashing
from stun.models.exact.engine import Engine, task_outputs
from stun.models.exact.errors import KnownAnswerWrong, PathMissing
from stun.models.exact.hashing import PlainHasher, native_hasher
from stun.models.exact.native import roots
from stun.models.exact.native.sha256_lanes import hash_messages
from stun.models.exact.portable import Portable
from stun.protocol.graph.trace import Trace, trace_tree

pytestmark = pytest.mark.unit


@given(st.integers(1, 40), st.integers(0, 300), st.sampled_from([1, 2]), st.integers(0, 2**32 - 1))
def test_lanes_are_sha256(count: int, half: int, width: int, seed: int) -> None:
    body = np.random.default_rng(seed).integers(0, 256, (count, 2 * half)).astype(np.uint8)
    digests = np.zeros((count, 32), np.uint8)

    hash_messages(body.ctypes.data + np.arange(count) * 2 * half, 2 * half, width, 0x24, 0x01, digests)

    turned = body if width == 1 else body.reshape(count, -1, 2)[:, :, ::-1].reshape(count, -1)
    assert [digest.tobytes() for digest in digests] == [sha256(b"\x24\x01" + row.tobytes()).digest() for row in turned]


@pytest.mark.parametrize(("tasks", "tokens"), [(1, 16), (3, 7), (2, 1), (1, 100)])
def test_native_roots_are_the_specifications(tasks: int, tokens: int) -> None:
    graph = minilm_graph()
    outputs = Engine(graph, Portable()).run_all(some_ids(tasks, tokens))

    for task in range(tasks):
        found = native_hasher(graph).roots(outputs, task)
        assert found == PlainHasher(graph).roots(outputs, task)
        assert found == Trace(b"\x01" * 32, task_outputs(graph, outputs, task)).output_roots


def test_trace_does_not_depend_on_the_pack() -> None:
    graph, inputs, hasher = minilm_graph(), some_ids(4, 12), native_hasher(minilm_graph())
    engine = Engine(graph, Portable())
    together = engine.run_all(inputs)

    for task in range(4):
        alone = engine.run_all(inputs[task : task + 1])
        trees = [trace_tree(bytes(32), hasher.roots(*of)) for of in ((together, task), (alone, 0))]
        assert trees[0].root == trees[1].root
        assert hasher.trace(engine, inputs[task : task + 1]) == hasher.roots(alone, 0)
        assert PlainHasher(graph).trace(engine, inputs[task : task + 1]) == hasher.roots(alone, 0)


def test_a_wrong_hasher_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    right = roots.NativeHasher.roots
    monkeypatch.setattr(roots.NativeHasher, "roots", lambda *of: (bytes(32), *right(*of)[1:]))
    hashing._require_known_roots.cache_clear()

    with pytest.raises(KnownAnswerWrong, match="native hashing"):
        hashing.native_hasher(minilm_graph())
    assert isinstance(hashing.open_hasher(minilm_graph()), PlainHasher)


def test_without_numba_hashing_is_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    hashing._require_known_roots.cache_clear()
    monkeypatch.setitem(sys.modules, "stun.models.exact.native.roots", None)

    with pytest.raises(PathMissing):
        hashing.native_hasher(minilm_graph())
    assert isinstance(hashing.open_hasher(minilm_graph()), PlainHasher)

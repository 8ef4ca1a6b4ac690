"""The shipped model: the same bits from every path, in every pack, on one thread and on two."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from exact_models import ROOT, differing, minilm_graph, reference, some_ids

from stun.models.exact.engine import Backend, Engine
from stun.models.exact.native.backend import Native
from stun.models.exact.paths import choose_path
from stun.models.exact.portable import Portable

pytestmark = pytest.mark.unit

BACKENDS = [Portable(), Native(), Native(use_vnni=False)]
NAMES = ["portable", "native", "pairs"]
_DIGEST = """
import hashlib, sys
sys.path.insert(0, "tests/support")
from exact_models import minilm_graph, some_ids
from stun.models.exact.engine import Engine
from stun.models.exact.paths import choose_path
outputs = Engine(minilm_graph(), choose_path("portable").backend).run_all(some_ids(4, 61))
print(hashlib.sha256(b"".join(array.tobytes() for array in outputs)).hexdigest())
"""


@pytest.mark.parametrize("backend", BACKENDS, ids=NAMES)
def test_every_operator_is_as_specified(backend: Backend) -> None:
    inputs = some_ids(3, 9)

    assert differing(Engine(minilm_graph(), backend), inputs, reference(minilm_graph(), inputs)) == []


@pytest.mark.parametrize("backend", BACKENDS, ids=NAMES)
@pytest.mark.parametrize(("tasks", "tokens"), [(32, 16), (3, 61), (5, 1)])
def test_bits_do_not_depend_on_the_pack(backend: Backend, tasks: int, tokens: int) -> None:
    engine, inputs = Engine(minilm_graph(), backend), some_ids(tasks, tokens)

    together = engine.run(inputs)

    assert together.shape == (tasks, 1, 384)
    for task in range(tasks):
        assert np.array_equal(engine.run(inputs[task : task + 1])[0], together[task])


def test_long_packs_are_split() -> None:
    engine, inputs = Engine(minilm_graph(), BACKENDS[1]), some_ids(20, 128)

    assert np.array_equal(engine.run(inputs)[13], engine.run(inputs[13:14])[0])


def test_threads_share_one_engine() -> None:
    engine, inputs = Engine(minilm_graph(), BACKENDS[1]), some_ids(16, 16)
    alone = engine.run(inputs)

    with ThreadPoolExecutor(2) as pool:
        halves = list(pool.map(engine.run, [inputs[:8], inputs[8:]] * 3))

    assert all(np.array_equal(np.concatenate(halves[at : at + 2]), alone) for at in range(0, 6, 2))


def test_library_threads_change_no_bit() -> None:
    digests = set()
    for threads in ("1", "2"):
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": threads}
        ran = subprocess.run(
            [sys.executable, "-c", _DIGEST], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        )
        digests.add(ran.stdout)

    assert len(digests) == 1


@pytest.mark.slow
@pytest.mark.parametrize("tokens", [8, 16, 61, 128])
def test_every_length_and_pack_against_the_reference(tokens: int) -> None:
    for tasks in (1, 3, 32) if tokens <= 16 else (1, 3):
        inputs = some_ids(tasks, tokens, seed=tasks)
        expected = reference(minilm_graph(), inputs)
        for backend in BACKENDS:
            assert differing(Engine(minilm_graph(), backend), inputs, expected) == []


@pytest.mark.torch
@pytest.mark.parametrize(("tasks", "tokens"), [(1, 8), (3, 61), (32, 16), (1, 128)])
def test_torch_has_the_same_bits(tasks: int, tokens: int) -> None:
    inputs = some_ids(tasks, tokens)
    expected = Engine(minilm_graph(), BACKENDS[0]).run_all(inputs)

    assert differing(Engine(minilm_graph(), choose_path("torch").backend), inputs, expected) == []

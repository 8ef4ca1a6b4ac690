"""The demonstration's liar once lied in the first order, too, whenever the matcher was slow to see an honest bid.

Two replicas that disagree have no majority, and the demonstration failed on machines under load.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from demo.__main__ import SENTENCES
from demo.provider import NoisyWorker
from demo.search import QUERIES
from stun.protocol.graph.arrays import to_tensor
from stun.protocol.graph.tensors import Dtype
from stun.provider.runners.base import TaskOutput
from stun.provider.settings import ProviderSettings

pytestmark = pytest.mark.unit


class _Honest:
    def validate(self, inputs: Sequence[bytes], params: Mapping[str, Any]) -> list[str | None]:
        return [None] * len(inputs)

    def run(self, inputs: Sequence[bytes], params: Mapping[str, Any]) -> list[TaskOutput]:
        return [TaskOutput(to_tensor(np.full((1, 4), len(text)), Dtype.INT16).encode(), 1) for text in inputs]

    def close(self) -> None:
        return None


def test_it_lies_about_the_queries_and_never_about_a_chunk_of_the_sentences() -> None:
    texts = [text.encode() for text in SENTENCES.read_text().splitlines()]
    chunk = ProviderSettings(folder=Path()).chunk_tasks
    chunks = [texts[first : first + chunk] for first in range(0, len(texts), chunk)]
    liar, honest = NoisyWorker(_Honest()), _Honest()
    assert all(liar.run(part, {}) == honest.run(part, {}) for part in chunks)
    queries = [query.encode() for query in QUERIES]
    told = zip(liar.run(queries, {}), honest.run(queries, {}), strict=True)
    assert all(lie.output != truth.output for lie, truth in told)

"""The demonstration's liar once lied in the first order, too, whenever the matcher was slow to see an honest bid.

Two replicas that disagree have no majority, and the demonstration failed on machines under load.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from demo.__main__ import SENTENCES
from demo.cheat import CheapWorker, coarsen
from demo.search import QUERIES
from stun.models.quantize.shipped import shipped_graph
from stun.protocol.graph.file import decode_graph
from stun.provider.runners.base import TaskOutput
from stun.provider.settings import ProviderSettings

pytestmark = pytest.mark.unit


class _Saying:
    """Answers every task with one word."""

    def __init__(self, word: bytes) -> None:
        self._word = word

    def validate(self, inputs: Sequence[bytes], params: Mapping[str, Any]) -> list[str | None]:
        return [None] * len(inputs)

    def run(self, inputs: Sequence[bytes], params: Mapping[str, Any]) -> list[TaskOutput]:
        return [TaskOutput(self._word, 1)] * len(inputs)

    def close(self) -> None:
        return None


def test_it_lies_about_the_queries_and_never_about_a_chunk_of_the_sentences() -> None:
    texts = [text.encode() for text in SENTENCES.read_text().splitlines()]
    chunk = ProviderSettings(folder=Path()).chunk_tasks
    liar = CheapWorker(_Saying(b"true"), _Saying(b"cheap"))
    for first in range(0, len(texts), chunk):
        assert {out.output for out in liar.run(texts[first : first + chunk], {})} == {b"true"}
    assert {out.output for out in liar.run([query.encode() for query in QUERIES], {})} == {b"cheap"}


def test_its_model_has_the_registered_operators_and_other_weights() -> None:
    true = decode_graph(shipped_graph().read_bytes())
    cheap = coarsen(true)
    assert cheap.graph_root == true.graph_root
    assert cheap.weight_root != true.weight_root

"""Sentences to vectors with an exact graph: tokenize, run in packs of one length, scale by 2^-15."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from stun.models.exact.engine import Engine
from stun.models.texts import packs
from stun.protocol.graph.arrays import stored_array, to_tensor
from stun.protocol.graph.tensors import Dtype, decode_tensor

VECTOR_STEP = 2.0**-15


class ExactEmbedder:
    """A sentence embedding model in integers; the vectors are what anyone else's machine gives, bit for bit."""

    def __init__(self, engine: Engine, tokenizer: Tokenizer) -> None:
        self.engine = engine
        self.tokenizer = tokenizer

    def embed_integers(self, texts: Sequence[str]) -> NDArray[np.int16]:
        """int16 vectors [texts, width] in units of 2^-15, in the order of the texts."""
        width = self.engine.graph.operators[-1].cols
        vectors = np.empty((len(texts), width), np.int16)
        for places, ids in packs(self.tokenizer, texts):
            vectors[places] = self.engine.run(ids[:, :, None])[:, 0]
        return vectors

    def embed(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """The same as real numbers, of length 1 to within 2^-11."""
        return self.embed_integers(texts) * VECTOR_STEP


def task_input(tokenizer: Tokenizer, text: str) -> bytes:
    """A text as an exact task's input: its token ids, int32 [n, 1], as they are delivered."""
    return to_tensor(np.array(tokenizer.encode(text).ids, np.int32)[:, None], Dtype.INT32).encode()


def read_vector(delivered: bytes) -> NDArray[np.float64]:
    """A delivered int16 output [1, width] as real numbers. Errors: Rejected, for bytes that are no tensor."""
    vector: NDArray[np.float64] = stored_array(decode_tensor(delivered))[0] * VECTOR_STEP
    return vector

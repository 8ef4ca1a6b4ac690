"""Sentence embeddings: UTF-8 text in, float32 little-endian vector out, mean of the last hidden states.

Files: `weights` (ONNX, or safetensors with `config`, which needs torch), `tokenizer` (tokenizer.json). One thread and
one text at a time, so that the bytes do not depend on what else is in a batch.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from stun.models.formats import ModelFormat, inspect_model_file
from stun.models.parameters import Schema
from stun.provider.runners.base import Runner, TaskOutput, UnfitModel, required_file
from stun.provider.runners.ort_session import compute_session, open_session

MAX_TEXT_BYTES = 16 * 2**10
MAX_TOKENS = 256
MAX_TOKENIZER_BYTES = 16 * 2**20

TokenIds = NDArray[np.int64]
Hidden = NDArray[np.float32]
Encoder = Callable[[TokenIds], Hidden]


class TextEmbeddingRunner(Runner):
    """Embeds one sentence a task. Parameter `normalize` (default true) scales the vector to length 1."""

    id: ClassVar[str] = "text-embedding"
    version: ClassVar[str] = "1"
    unit: ClassVar[str] = "sentence"
    parameters: ClassVar[Schema] = {"normalize": {"type": "boolean", "default": True}}

    def load(self, files: Mapping[str, Path]) -> None:
        weights = required_file(files, "weights", self.id)
        self._tokenizer = _load_tokenizer(required_file(files, "tokenizer", self.id))
        if inspect_model_file(weights).format is ModelFormat.SAFETENSORS:
            from stun.provider.runners.bert_torch import load_bert  # torch is an extra

            self._encode: Encoder = load_bert(weights, required_file(files, "config", self.id))
        else:
            self._encode = _onnx_encoder(weights)

    def check(self, data: bytes, params: Mapping[str, Any]) -> str | None:
        if not 0 < len(data) <= MAX_TEXT_BYTES:
            return f"a text must have 1 to {MAX_TEXT_BYTES} bytes"
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            return "a text must be UTF-8"
        if not text.strip() or "\0" in text:
            return "a text must have words and no zero bytes"
        return None

    def compute(self, data: bytes, params: Mapping[str, Any]) -> TaskOutput:
        ids = np.array([self._tokenizer.encode(data.decode("utf-8")).ids], dtype=np.int64)
        vector = self._encode(ids)[0].mean(axis=0, dtype=np.float32)
        if params["normalize"]:
            vector = vector / max(np.sqrt((vector * vector).sum(dtype=np.float32)), np.float32(1e-12))
        return TaskOutput(vector.astype("<f4").tobytes(), 1)


def _load_tokenizer(path: Path) -> Tokenizer:
    if path.stat().st_size > MAX_TOKENIZER_BYTES:
        raise UnfitModel(f"a tokenizer may have at most {MAX_TOKENIZER_BYTES} bytes")
    try:
        tokenizer = Tokenizer.from_buffer(path.read_bytes())
    except ValueError as error:
        raise UnfitModel(f"not a tokenizer.json: {error}") from error
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer


def _onnx_encoder(weights: Path) -> Encoder:
    session = open_session(weights)
    names = {each.name for each in session.get_inputs()}
    if not {"input_ids", "attention_mask"} <= names <= {"input_ids", "attention_mask", "token_type_ids"}:
        raise UnfitModel("the inputs must be input_ids, attention_mask and, if any, token_type_ids")

    def encode(ids: TokenIds) -> Hidden:
        feeds = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        hidden = compute_session(session, {name: feeds[name] for name in names})[0]
        if not isinstance(hidden, np.ndarray) or hidden.ndim != 3 or hidden.dtype != np.float32:
            raise UnfitModel("the first output must be the hidden states: [1, tokens, width] in float32")
        return hidden

    return encode

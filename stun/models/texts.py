"""Texts from files, tokenizers from files, and packs of equally long token ids."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from stun.models.errors import TokenizerRefused, UnfitTexts

MAX_TOKENIZER_BYTES = 16 * 2**20
MAX_TEXTS = 20_000
MAX_TEXT_BYTES = 16 * 2**10
PACK_TOKENS = 1024
TokenIds = NDArray[np.int64]


def read_texts(path: Path) -> list[str]:
    """One text a line, blank lines left out. UnfitTexts: unreadable, none, too many, too long, or not UTF-8."""
    try:
        lines = path.read_bytes().splitlines()
        texts = [line.decode("utf-8").strip() for line in lines]
    except (OSError, UnicodeDecodeError) as error:
        raise UnfitTexts(f"{path.name}: {error}") from error
    texts = [text for text in texts if text]
    if not 0 < len(texts) <= MAX_TEXTS or max(map(len, lines)) > MAX_TEXT_BYTES:
        raise UnfitTexts(f"{path.name}: 1 to {MAX_TEXTS} lines of at most {MAX_TEXT_BYTES} bytes are wanted")
    return texts


def load_tokenizer(path: Path, max_tokens: int) -> Tokenizer:
    """A tokenizer.json that pads nothing and cuts at `max_tokens`. TokenizerRefused."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TokenizerRefused(path.name, str(error)) from error
    return read_tokenizer(path.name, data, max_tokens)


def read_tokenizer(name: str, data: bytes, max_tokens: int) -> Tokenizer:
    """The same from bytes. TokenizerRefused."""
    try:
        tokenizer = Tokenizer.from_buffer(data if len(data) <= MAX_TOKENIZER_BYTES else b"")
    except ValueError as error:
        raise TokenizerRefused(name, str(error)) from error
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    return tokenizer


def packs(tokenizer: Tokenizer, texts: Sequence[str]) -> Iterator[tuple[list[int], TokenIds]]:
    """(places of texts, their ids [texts, tokens]) of equally long texts, at most 1,024 tokens at once."""
    by_length: dict[int, list[int]] = {}
    ids = [tokenizer.encode(text).ids for text in texts]
    for place, each in enumerate(ids):
        by_length.setdefault(len(each), []).append(place)
    for length, places in sorted(by_length.items()):
        most = max(1, PACK_TOKENS // length)
        for first in range(0, len(places), most):
            part = places[first : first + most]
            yield part, np.array([ids[place] for place in part], np.int64)

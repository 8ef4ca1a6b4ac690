"""`python -m stun.models.exact.embed`: sentences from standard input, one a line; JSON lines of both embeddings out.

Each line out: {"text", "float": unit vector, "exact": vector in units of 2^-15, as integers}. Any benchmark can be run
on them. Options: --path native, portable or torch (the fastest that works by default), --pack lines at a time.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TextIO

from stun.models.exact.engine import Engine
from stun.models.exact.paths import NATIVE, PORTABLE, TORCH, choose_path
from stun.models.exact.sentences import ExactEmbedder
from stun.models.quantize.bert import MAX_TOKENS
from stun.models.quantize.encoder import FloatEncoder
from stun.models.quantize.quality import embed_float
from stun.models.quantize.shipped import shipped_float_model, shipped_graph
from stun.models.texts import load_tokenizer
from stun.protocol.errors import StunError
from stun.protocol.graph.file import decode_graph

PACK_LINES = 256


def main(arguments: Sequence[str] | None = None, source: TextIO = sys.stdin, target: TextIO = sys.stdout) -> int:
    """Run the command; 0 when done, 2 when something is missing or refused."""
    parser = argparse.ArgumentParser(prog="python -m stun.models.exact.embed", description=__doc__)
    parser.add_argument("--path", choices=(NATIVE, PORTABLE, TORCH), help="how the integers are computed")
    parser.add_argument("--pack", type=int, default=PACK_LINES, help="lines that are embedded at a time")
    chosen = parser.parse_args(arguments)
    try:
        encoder, exact = open_models(chosen.path)
        for line in embed_lines(encoder, exact, source, max(1, chosen.pack)):
            target.write(line + "\n")
            target.flush()
    except StunError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


def open_models(path: str | None = None) -> tuple[FloatEncoder, ExactEmbedder]:
    """The float model and the exact one. WeightsMissing, GraphDiffers, PathMissing, KnownAnswerWrong."""
    files = shipped_float_model()
    engine = Engine(decode_graph(shipped_graph().read_bytes()), choose_path(path).backend)
    return files.load(), ExactEmbedder(engine, load_tokenizer(files.tokenizer, MAX_TOKENS))


def embed_lines(encoder: FloatEncoder, exact: ExactEmbedder, source: TextIO, pack: int) -> Iterator[str]:
    """A JSON line for each line that is not blank, in order."""
    texts = (line.strip() for line in source)
    present = (text for text in texts if text)
    while part := list(islice(present, pack)):
        real, integers = embed_float(encoder, exact.tokenizer, part), exact.embed_integers(part)
        for text, left, right in zip(part, real, integers, strict=True):
            record = {"text": text, "float": [round(float(value), 8) for value in left], "exact": right.tolist()}
            yield json.dumps(record, ensure_ascii=False)


if __name__ == "__main__":
    sys.exit(main())

"""Small models of class `exact` and of the float family they come from; ways to compute that are subtly wrong."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, pre_tokenizers

from stun.models.exact.engine import Array, Engine
from stun.models.exact.portable import Portable
from stun.models.quantize.shipped import shipped_graph
from stun.models.texts import read_texts
from stun.protocol.graph.arrays import to_tensor
from stun.protocol.graph.executor import execute
from stun.protocol.graph.file import decode_graph
from stun.protocol.graph.structure import Graph

ROOT = Path(__file__).parents[2]
WORDS = ("[UNK]", "the", "cat", "sat", "on", "a", "mat", "dog", "ran", "far")
LAYERS, HEADS, WIDTH, INNER, POSITIONS = 2, 2, 16, 32, 24


def held_out_texts() -> list[str]:
    """541 texts of many kinds, 5 to 130 tokens, none of which calibrated the shipped model."""
    sentences = read_texts(ROOT / "tests/support/texts/held_out.txt") + read_texts(ROOT / "demo/sentences.txt")
    draw = Random(3)
    return sentences + [" ".join(draw.sample(sentences, count)) for count in [2] * 40 + [4] * 30 + [6] * 30]


@cache
def minilm_graph() -> Graph:
    """The shipped model."""
    return decode_graph(shipped_graph().read_bytes())


def some_ids(tasks: int, tokens: int, words: int = 30_522, seed: int = 0) -> Array:
    """Token ids [tasks, tokens, 1]."""
    return np.random.default_rng(seed).integers(0, words, (tasks, tokens, 1)).astype(np.int32)


def reference(graph: Graph, inputs: Array) -> list[Array]:
    """What the specification gives for each operator: [tasks, rows, cols]."""
    tasks = [execute(graph, to_tensor(task, inputs.dtype.itemsize)) for task in inputs]
    outputs = []
    for index, operator in enumerate(graph.operators):
        arrays = [np.frombuffer(task[index].data, f">i{operator.dtype}") for task in tasks]
        shape = tasks[0][index].shape
        outputs.append(np.stack([array.reshape(shape.rows, shape.cols) for array in arrays]))
    return outputs


def differing(engine: Engine, inputs: Array, expected: list[Array]) -> list[int]:
    """Operators whose bits differ."""
    outputs = engine.run_all(inputs)
    return [
        index
        for index, (found, wanted) in enumerate(zip(outputs, expected, strict=True))
        if found.shape != wanted.shape or found.dtype.itemsize != wanted.dtype.itemsize or (found != wanted).any()
    ]


class SaturatingPairs(Portable):
    """Unsigned by signed bytes whose pairs are added in 16 bits, as x86 without VNNI does it."""

    def products(self, weights: Any) -> Callable[[Array], Array]:
        wide = weights.astype(np.int64)

        def multiply(x: Array) -> Array:
            each = (x.astype(np.int64)[:, None, :] + 128) * wide[None]
            each = np.concatenate([each, np.zeros((*each.shape[:2], each.shape[2] % 2), np.int64)], 2)
            pairs = each.reshape(*each.shape[:2], -1, 2).sum(3)
            result: Array = np.clip(pairs, -(2**15), 2**15 - 1).sum(2) - 128 * wide.sum(1)
            return result

        return multiply


class UnchunkedFloats(Portable):
    """float32 products of any depth at once: they round past 2^24."""

    def products(self, weights: Any) -> Callable[[Array], Array]:
        return lambda x: x.astype(np.float32) @ weights.T.astype(np.float32)


class HalfFloats(Portable):
    """Inputs cut to the 10 bits that TF32 keeps."""

    def pairs(self, a: Array, b: Array, peak: int) -> Array:
        result: Array = (a.astype(np.float16).astype(np.float64)) @ b.astype(np.float64).swapaxes(-1, -2)
        return result


def write_tiny_bert(folder: Path, seed: int = 1) -> tuple[Path, Path, Path]:
    """A BERT of two layers with random weights: model.safetensors, config.json and tokenizer.json."""
    draw = np.random.default_rng(seed)
    tensors = {name: (draw.standard_normal(shape) * 0.3).astype(np.float32) for name, shape in _shapes().items()}
    for name in tensors:
        if "LayerNorm.weight" in name:
            tensors[name] += 1
    save_file(tensors, folder / "model.safetensors")
    config = {
        "model_type": "bert", "hidden_act": "gelu", "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
        "intermediate_size": INNER, "layer_norm_eps": 1e-12, "hidden_size": WIDTH,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    tokenizer = Tokenizer(models.WordLevel({word: place for place, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder / "model.safetensors", folder / "config.json", folder / "tokenizer.json"


def tiny_texts(count: int = 40) -> list[str]:
    """Texts of the tiny model's words."""
    draw = Random(5)
    return [" ".join(draw.choices(WORDS[1:], k=draw.randint(2, 12))) for _ in range(count)]


def _shapes() -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(WORDS), WIDTH),
        "embeddings.position_embeddings.weight": (POSITIONS, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
    }
    norms, dense = ["embeddings.LayerNorm"], {}
    for layer in range(LAYERS):
        prefix = f"encoder.layer.{layer}."
        norms += [f"{prefix}attention.output.LayerNorm", f"{prefix}output.LayerNorm"]
        for name in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            dense[prefix + name] = (WIDTH, WIDTH)
        dense[f"{prefix}intermediate.dense"] = (INNER, WIDTH)
        dense[f"{prefix}output.dense"] = (WIDTH, INNER)
    for name in norms:
        shapes |= {f"{name}.weight": (WIDTH,), f"{name}.bias": (WIDTH,)}
    for name, size in dense.items():
        shapes |= {f"{name}.weight": size, f"{name}.bias": size[:1]}
    return shapes

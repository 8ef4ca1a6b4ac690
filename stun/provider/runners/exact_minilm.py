"""The verifiable demonstration model: all-MiniLM-L6-v2 in class `exact`, made on this machine from pinned weights.

Requesters tokenize (the file in role `tokenizer`), so that a task's input is the tensor of ids that the referee sees.
"""

from stun.models.exact.formats import TOKENIZER_ROLE, ids_format, vector_format
from stun.models.manifest import GRAPH_ROLE, Manifest, NumericClass
from stun.models.quantize.bert import MAX_TOKENS
from stun.models.quantize.shipped import (
    GRAPH_DIGEST,
    GRAPH_ROOT,
    TOKENIZER_DIGEST,
    WEIGHT_ROOT,
    shipped_float_model,
    shipped_graph,
)
from stun.provider.runners.exact_graph import ExactGraphRunner
from stun.provider.runners.minilm import PackagedModel

WIDTH = 384


def exact_minilm_model() -> PackagedModel:
    """Its manifest and files, made first if need be. WeightsMissing, GraphDiffers."""
    files = {GRAPH_ROLE: shipped_graph(), TOKENIZER_ROLE: shipped_float_model().tokenizer}
    manifest = Manifest(
        name="all-MiniLM-L6-v2 (integers, verifiable)",
        runner=ExactGraphRunner.id,
        runner_version=ExactGraphRunner.version,
        numeric_class=NumericClass.EXACT,
        unit=ExactGraphRunner.unit,
        input_format=ids_format(MAX_TOKENS),
        output_format=vector_format(WIDTH),
        files={GRAPH_ROLE: bytes.fromhex(GRAPH_DIGEST), TOKENIZER_ROLE: bytes.fromhex(TOKENIZER_DIGEST)},
        weight_root=bytes.fromhex(WEIGHT_ROOT),
        graph_root=bytes.fromhex(GRAPH_ROOT),
    )
    return PackagedModel(manifest, files)

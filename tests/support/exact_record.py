"""A small model of class `exact` in a store, and the record that a chain would have of it."""

from hashlib import sha256

from stun.chains.market import ModelRecord
from stun.models.manifest import Manifest
from stun.models.manifest import NumericClass as ManifestClass
from stun.protocol.graph.file import encode_graph
from stun.protocol.graph.structure import Graph
from stun.protocol.parameters import NumericClass
from stun.protocol.trees.specs import model_id
from stun.storage.blobs import BlobStore


def manifest_of(graph: Graph, file: bytes | None = None) -> Manifest:
    """Return the manifest of a graph; `file` stands in for the graph's own."""
    return Manifest(
        name="a small exact model", runner="exact-graph", runner_version="1", numeric_class=ManifestClass.EXACT,
        unit="unit", input_format="tensor", output_format="tensor",
        files={"graph": sha256(encode_graph(graph) if file is None else file).digest()},
        weight_root=graph.weight_root, graph_root=graph.graph_root,
    )  # fmt: skip


def put_model(store: BlobStore, graph: Graph, creator: bytes, file: bytes | None = None) -> ModelRecord:
    """Store a model's manifest and graph file, and return its record. Errors: BlobError."""
    manifest = manifest_of(graph, file)
    store.put(encode_graph(graph) if file is None else file)
    digest = store.put(manifest.to_json())
    return ModelRecord(
        model_id(creator, digest), creator, digest, graph.weight_root, graph.graph_root, NumericClass.EXACT, True
    )

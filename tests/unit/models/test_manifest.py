"""A manifest has one encoding, and everything out of bounds is refused by name."""

import dataclasses
import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from stun.models.errors import ManifestError, ParameterError
from stun.models.manifest import MAX_MANIFEST_BYTES, Manifest, NumericClass, compute_weight_root, parse_manifest
from stun.models.parameters import complete_parameters
from stun.protocol.trees.specs import chunks_tree

pytestmark = pytest.mark.unit

SCHEMA = {
    "steps": {"type": "integer", "default": 4, "minimum": 1, "maximum": 8},
    "mode": {"type": "string", "default": "fast", "choices": ["fast", "fine"]},
    "scale": {"type": "number", "default": 1.5},
    "clip": {"type": "boolean", "default": False},
}


@pytest.fixture
def manifest() -> Manifest:
    return Manifest(
        name="a model",
        runner="onnx",
        runner_version="1",
        numeric_class=NumericClass.OPAQUE,
        unit="inference",
        input_format="npy",
        output_format="npy",
        files={"weights": bytes(range(32))},
        weight_root=b"\x01" * 32,
        parameters=SCHEMA,
    )


def changed(manifest: Manifest, change: Callable[[dict[str, Any]], object]) -> bytes:
    document = json.loads(manifest.to_json())
    change(document)
    return rfc8785.dumps(document)


def test_round_trip(manifest: Manifest) -> None:
    assert parse_manifest(manifest.to_json()) == manifest


def test_digest_is_sha256_of_canonical_json(manifest: Manifest) -> None:
    data = manifest.to_json()
    assert data == rfc8785.dumps(json.loads(data))
    assert manifest.digest() == sha256(data).digest()


def test_every_field_moves_the_digest(manifest: Manifest) -> None:
    others = {
        "name": "another",
        "runner": "torchscript",
        "runner_version": "2",
        "numeric_class": NumericClass.TOKEN,
        "unit": "token",
        "input_format": "json",
        "output_format": "json",
        "files": {"weights": bytes(32)},
        "weight_root": b"\x02" * 32,
        "graph_root": b"\x03" * 32,
        "parameters": {},
    }
    digests = {dataclasses.replace(manifest, **{key: value}).digest() for key, value in others.items()}
    assert len(digests | {manifest.digest()}) == len(others) + 1


def _exact() -> dict[str, Any]:
    return {"numeric_class": "exact", "files": {"graph": "ab" * 32}, "graph_root": "cd" * 32}


def test_class_exact_has_the_graphs_two_roots(manifest: Manifest) -> None:
    parsed = parse_manifest(changed(manifest, lambda d: d.update(_exact())))

    assert (parsed.graph_root, parsed.weight_root) == (b"\xcd" * 32, b"\x01" * 32)


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("extra", lambda d: d.update(extra=1)),
        ("unit", lambda d: d.pop("unit")),
        ("name", lambda d: d.update(name="")),
        ("name", lambda d: d.update(name="x" * 129)),
        ("name", lambda d: d.update(name="two\nlines")),
        ("name", lambda d: d.update(name=7)),
        ("runner", lambda d: d.update(runner="../onnx")),
        ("runner_version", lambda d: d.update(runner_version=1)),
        ("unit", lambda d: d.update(unit="Sentence")),
        ("numeric_class", lambda d: d.update(numeric_class="rough")),
        ("numeric_class", lambda d: d.update(numeric_class=["opaque"])),
        ("files", lambda d: d.update(files={})),
        ("files", lambda d: d.update(files=["weights"])),
        ("files", lambda d: d["files"].update(weights="AB" * 32)),
        ("files", lambda d: d["files"].update(weights="ab" * 31)),
        ("files", lambda d: d["files"].update({"../x": "ab" * 32})),
        ("files", lambda d: d["files"].update({f"part{i}": "ab" * 32 for i in range(64)})),
        ("weight_root", lambda d: d.update(weight_root="00" * 32)),
        ("weight_root", lambda d: d.update(files={"model": "ab" * 32})),
        ("weight_root", lambda d: d.update(weight_root=None)),
        ("graph_root", lambda d: d.update(graph_root="00" * 33)),
        ("files", lambda d: d.update(numeric_class="exact")),
        ("files", lambda d: d.update(numeric_class="exact", files={"weights": "ab" * 32, "graph": "ab" * 32})),
        ("graph_root", lambda d: d.update(numeric_class="exact", files={"graph": "ab" * 32})),
        ("graph_root", lambda d: d.update(_exact(), weight_root="00" * 32)),
        ("parameters", lambda d: d.update(parameters=[])),
        ("parameters", lambda d: d["parameters"].update(x={"type": "integer"})),
        ("parameters", lambda d: d["parameters"].update(x={"type": "object", "default": {}})),
        ("parameters", lambda d: d["parameters"].update(x={"type": "integer", "default": 1, "code": "x"})),
        ("parameters", lambda d: d["parameters"].update(x={"type": "integer", "default": 9, "maximum": 8})),
        ("parameters", lambda d: d["parameters"].update(x={"type": "integer", "default": True})),
        ("parameters", lambda d: d["parameters"].update(x={"type": "string", "default": "a", "choices": ["b"]})),
        ("parameters", lambda d: d["parameters"].update(x={"type": "string", "default": "a", "minimum": 1})),
        ("parameters", lambda d: d["parameters"].update({"a-b": {"type": "string", "default": "a"}})),
    ],
)
def test_refused_by_field(manifest: Manifest, field: str, change: Callable[[dict[str, Any]], object]) -> None:
    with pytest.raises(ManifestError) as caught:
        parse_manifest(changed(manifest, change))
    assert caught.value.field == field


def test_bytes_that_are_not_canonical_are_refused(manifest: Manifest) -> None:
    pretty = json.dumps(json.loads(manifest.to_json()), indent=1).encode()
    repeated = manifest.to_json().replace(b'{"files"', b'{"unit":"token","files"', 1)
    for data in (pretty, repeated, manifest.to_json() + b"\n", b"", b"\xff", b"[" * 100_000, b"[]"):
        with pytest.raises(ManifestError) as caught:
            parse_manifest(data)
        assert caught.value.field in ("json", "size")


def test_oversize_is_refused_unread(manifest: Manifest) -> None:
    with pytest.raises(ManifestError) as caught:
        parse_manifest(b" " * (MAX_MANIFEST_BYTES + 1))
    assert caught.value.field == "size"


@pytest.mark.parametrize("size", [1, 1023, 1024, 1025, 5000])
def test_weight_root_is_the_crowned_chunk_root(tmp_path: Path, size: int) -> None:
    data = bytes(index * 7 % 256 for index in range(size))
    path = tmp_path / "weights"
    path.write_bytes(data)
    assert compute_weight_root(path) == chunks_tree(data).root


def test_parameters_are_completed_with_defaults() -> None:
    complete = complete_parameters(SCHEMA, {"steps": 8})
    assert complete == {"steps": 8, "mode": "fast", "scale": 1.5, "clip": False}


@pytest.mark.parametrize(
    ("given", "parameter"),
    [
        ({"steps": 9}, "steps"),
        ({"steps": 1.0}, "steps"),
        ({"steps": True}, "steps"),
        ({"mode": "slow"}, "mode"),
        ({"clip": 1}, "clip"),
        ({"scale": float("nan")}, "scale"),
        ({"scale": 1e300}, "scale"),
        ({"other": 1}, "other"),
        ([], "all"),
    ],
)
def test_parameters_out_of_bounds_are_refused(given: object, parameter: str) -> None:
    with pytest.raises(ParameterError) as caught:
        complete_parameters(SCHEMA, given)
    assert caught.value.parameter == parameter

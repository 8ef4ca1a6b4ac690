"""Task and output packages: the digests that an order and a root name follow the model's class."""

from pathlib import Path

import numpy as np
import pytest

from stun.protocol.errors import Rejected
from stun.protocol.graph.arrays import to_tensor
from stun.protocol.graph.tensors import TensorTree
from stun.protocol.messages import NOBODY
from stun.protocol.parameters import NumericClass
from stun.protocol.trees.specs import json_digest, output_digest, spec_digest, specs_root
from stun.storage.folder import FolderBlobStore
from stun.storage.packages import PackageBroken, TaskPackage, load_package, pack_outputs, results_of, unpack_outputs

pytestmark = pytest.mark.unit

EXACT, OPAQUE = NumericClass.EXACT, NumericClass.OPAQUE
TENSORS = [to_tensor(np.array([[k, -k], [7, 2**31 - 1]]), 4) for k in range(3)]
BYTES = tuple(tensor.encode() for tensor in TENSORS)


def test_specs_of_class_exact_name_the_tensors_roots() -> None:
    package = TaskPackage({"a": 1}, {}, BYTES, EXACT)
    digests = [spec_digest(TensorTree(t).root, json_digest({"a": 1}), json_digest({})) for t in TENSORS]
    assert package.specs_root == specs_root(digests)
    assert package.specs_root != TaskPackage({"a": 1}, {}, BYTES, OPAQUE).specs_root


@pytest.mark.parametrize("numeric_class", [EXACT, OPAQUE])
def test_a_package_comes_back_as_it_was_ordered_and_in_no_other_class(tmp_path: Path, numeric_class: int) -> None:
    store, chosen = FolderBlobStore(tmp_path), NumericClass(numeric_class)
    package = TaskPackage({}, {"requirements": {}}, BYTES, chosen)
    ref = package.put(store)
    assert load_package(store, ref, package.specs_root, 3, chosen) == package
    other = OPAQUE if chosen == EXACT else EXACT
    with pytest.raises(PackageBroken, match="not the ones that were ordered"):
        load_package(store, ref, package.specs_root, 3, other)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "tensors: length"),
        (b"a text", "tensors: length"),
        (BYTES[0][:-1], "tensors: length"),
        (BYTES[0] + b"\x00", "tensors: length"),
        (b"\x03" + BYTES[0][1:], "tensors: shape"),
    ],
)
def test_what_is_no_tensor_is_refused_in_class_exact(tmp_path: Path, data: bytes, code: str) -> None:
    store = FolderBlobStore(tmp_path)
    package = TaskPackage({}, {}, (BYTES[0], data), EXACT)
    with pytest.raises(Rejected) as refused:
        _ = package.specs_root
    assert refused.value.code == code
    stored = TaskPackage({}, {}, (BYTES[0], data), OPAQUE)
    with pytest.raises(Rejected) as refused:
        load_package(store, stored.put(store), stored.specs_root, 2, EXACT)
    assert refused.value.code == code


def test_results_of_class_exact_name_the_outputs_roots() -> None:
    tree = results_of([(data, 1) for data in BYTES], EXACT)
    assert [result.output_digest for result in tree.results] == [TensorTree(tensor).root for tensor in TENSORS]
    assert results_of([(BYTES[0], 1)], OPAQUE).results[0].output_digest == output_digest(BYTES[0])


def test_the_error_result_has_one_digest_in_every_class_and_nothing_else_passes_for_it() -> None:
    assert results_of([(b"", 0)], EXACT).root == results_of([(b"", 0)], OPAQUE).root
    with pytest.raises(Rejected):
        results_of([(b"", 1)], EXACT)
    with pytest.raises(Rejected):
        results_of([(b"\x00", 0)], EXACT)


def test_an_output_package_opens_to_what_was_packed() -> None:
    outputs = [(data, index) for index, data in enumerate(BYTES)]
    assert unpack_outputs(pack_outputs(outputs, NOBODY, b""), None, b"") == outputs

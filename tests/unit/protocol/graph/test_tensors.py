"""Tensors: packing, roots by hand, every row opens, and nothing altered does."""

from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stun.protocol.errors import Rejected
from stun.protocol.graph import tensors
from stun.protocol.graph.arrays import pack_norm, pack_records, pack_table, to_array, to_tensor, unpack_records
from stun.protocol.graph.tensors import Dtype, Shape, Tensor, TensorTree, climb, decode_tensor, root_of

pytestmark = pytest.mark.unit


def h(*parts: bytes) -> bytes:
    return sha256(b"".join(parts)).digest()


@st.composite
def any_tensors(draw: st.DrawFn) -> Tensor:
    shape = Shape(draw(st.sampled_from(list(Dtype))), draw(st.integers(1, 70)), draw(st.integers(1, 150)))
    size = shape.rows * tensors.row_bytes(shape)
    return Tensor(shape, np.random.default_rng(draw(st.integers(0, 99))).bytes(size))


@pytest.mark.parametrize(
    ("shape", "packed"),
    [
        (Shape(1, 1, 1), 1), (Shape(1, 512, 1), 512), (Shape(1, 1024, 1), 512), (Shape(1, 1023, 1), 1),
        (Shape(1, 12, 32), 4), (Shape(2, 16, 16), 16), (Shape(2, 16, 128), 2), (Shape(2, 16, 129), 1),
        (Shape(4, 8, 32), 4), (Shape(0, 8, 512), 1), (Shape(0, 8, 256), 2), (Shape(1, 3, 4096), 1),
    ],
)  # fmt: skip
def test_a_leaf_holds_whole_rows_up_to_512_bytes(shape: Shape, packed: int) -> None:
    assert tensors.rows_a_leaf(shape) == packed
    assert tensors.leaf_count(shape) * packed == shape.rows


@pytest.mark.parametrize(
    "shape",
    [
        Shape(3, 1, 1), Shape(5, 1, 1), Shape(8, 1, 1), Shape(1, 0, 1), Shape(1, 1, 0), Shape(1, 2**32, 1),
        Shape(1, 1, 4097), Shape(2, 1, 2049), Shape(4, 1, 1025), Shape(0, 1, 4097), Shape(4, 1, 2**32 - 1),
    ],
)  # fmt: skip
def test_a_shape_that_no_tensor_has(shape: Shape) -> None:
    assert (tensors.row_bytes(shape), tensors.rows_a_leaf(shape), tensors.leaf_count(shape)) == (0, 0, 0)
    with pytest.raises(Rejected, match=r"^tensors: shape$"):
        Tensor(shape, b"")


@pytest.mark.parametrize(("dtype", "cols"), [(0, 4096), (1, 4096), (2, 2048), (4, 1024)])
def test_the_longest_rows(dtype: int, cols: int) -> None:
    assert tensors.row_bytes(Shape(dtype, 2**32 - 1, cols)) == 4096


def test_a_root_by_hand() -> None:
    x = to_tensor(np.array([[1, -2], [3, 32_767], [-32_768, 0]]), Dtype.INT16)
    leaves = [h(b"\x24\x00", row) for row in (b"\0\1\xff\xfe", b"\0\3\x7f\xff", b"\x80\0\0\0")]
    top = h(b"\x24\x01", h(b"\x24\x01", leaves[0], leaves[1]), leaves[2])
    assert root_of(x) == h(b"\x24\x02", b"\x02\0\0\0\3\0\0\0\2", top)
    assert TensorTree(x).open(2).path == (h(b"\x24\x01", leaves[0], leaves[1]),)


def test_a_packed_root_by_hand() -> None:
    x = to_tensor(np.arange(4)[:, None], Dtype.INT32)
    assert root_of(x) == h(b"\x24\x02", b"\x04\0\0\0\4\0\0\0\1", h(b"\x24\x00", x.data))
    assert TensorTree(x).open(3) == tensors.Opening(x.data, ())


@given(any_tensors())
def test_every_row_opens_and_the_root_is_the_trees(x: Tensor) -> None:
    tree = TensorTree(x)
    assert tree.root == root_of(x)
    packed, size = tensors.rows_a_leaf(x.shape), tensors.row_bytes(x.shape)
    for row in range(x.shape.rows):
        opened = tree.open(row)
        assert climb(x.shape, row // packed, opened.leaf, opened.path) == tree.root
        assert len(opened.path) == tensors.path_length(x.shape, row // packed)
        at = row % packed * size
        assert opened.leaf[at : at + size] == x.row(row)


@given(any_tensors(), st.data())
def test_nothing_altered_opens(x: Tensor, data: st.DataObject) -> None:
    tree = TensorTree(x)
    row = data.draw(st.integers(0, x.shape.rows - 1))
    index, opened = row // tensors.rows_a_leaf(x.shape), tree.open(row)
    flipped = bytes([opened.leaf[0] ^ 1]) + opened.leaf[1:]
    assert climb(x.shape, index, flipped, opened.path) != tree.root
    assert climb(x.shape, index, opened.leaf + b"\0", opened.path) != tree.root
    for at in range(len(opened.path)):
        other = (*opened.path[:at], bytes(32), *opened.path[at + 1 :])
        assert climb(x.shape, index, opened.leaf, other) != tree.root
    for path in (opened.path[:-1], (*opened.path, bytes(32))):
        if len(path) != len(opened.path):
            with pytest.raises(Rejected, match=r"^tensors: length$"):
                climb(x.shape, index, opened.leaf, path)


@given(any_tensors())
def test_a_root_binds_its_shape(x: Tensor) -> None:
    top = TensorTree(x).top
    shapes = {x.shape, replace(x.shape, rows=x.shape.rows + 1), replace(x.shape, cols=x.shape.cols + 1)}
    shapes |= {replace(x.shape, dtype=dtype) for dtype in Dtype}
    assert len({tensors.tensor_root(shape, top) for shape in shapes}) == len(shapes)


@pytest.mark.parametrize("index", [-1, 3])
def test_a_row_out_of_range(index: int) -> None:
    x = Tensor(Shape(1, 3, 5), bytes(15))
    for attempt in (x.row, TensorTree(x).open, lambda i: climb(x.shape, i, bytes(5), ())):
        with pytest.raises(Rejected, match=r"^tensors: row$"):
            attempt(index)


@given(any_tensors())
def test_a_delivered_tensor_is_read_back_whole_and_not_otherwise(x: Tensor) -> None:
    raw = x.encode()
    assert decode_tensor(raw) == x
    for broken in (raw[:-1], raw + b"\0", raw[:9], raw[:8], b""):
        with pytest.raises(Rejected, match=r"^tensors: length$"):
            decode_tensor(broken)
    with pytest.raises(Rejected, match=r"^tensors: shape$"):
        decode_tensor(b"\3" + raw[1:])


@pytest.mark.parametrize("dtype", [Dtype.INT8, Dtype.INT16, Dtype.INT32])
def test_integers_are_stored_whole_or_refused(dtype: Dtype) -> None:
    limit = 2 ** (8 * dtype - 1)
    values = np.array([[-limit, -1, 0, limit - 1]])
    assert to_array(to_tensor(values, dtype)).tolist() == values.tolist()
    assert tensors.unpack_row(dtype, to_tensor(values, dtype).row(0)) == (-limit, -1, 0, limit - 1)
    for bad in (limit, -limit - 1):
        with pytest.raises(Rejected, match=r"^tensors: value$"):
            to_tensor(np.array([[bad]]), dtype)


def test_weights_are_packed_field_by_field() -> None:
    w, bias, mult, mult2 = (
        np.array([[1, -127], [0, 127]]),
        np.array([5, -6]),
        np.array([7, 8]),
        np.array([9, 2**31 - 1]),
    )
    plain = pack_records(w, bias, mult)
    assert plain == Tensor(
        Shape(0, 2, 10), bytes.fromhex("01 81 00000005 00000007 00 7f fffffffa 00000008".replace(" ", ""))
    )
    with_lut = pack_records(w, bias, mult, mult2)
    assert with_lut.row(1).hex() == "007ffffffffa000000087fffffff"
    records = unpack_records(with_lut, True)
    assert [x.tolist() for x in records] == [w.tolist(), bias.tolist(), mult.tolist(), mult2.tolist()]  # type: ignore[union-attr]
    assert unpack_records(plain, False).mult2 is None
    assert pack_norm(np.array([1, 2]), np.array([-1, -2])).data.hex() == "00000001ffffffff00000002fffffffe"
    assert pack_table(np.arange(512)).shape == Shape(2, 2, 256)
    assert pack_table(np.arange(64)).shape == Shape(2, 1, 64)


def test_records_of_a_wrong_size_are_refused() -> None:
    short = Tensor(Shape(0, 1, 8), bytes(8))
    for tensor, has_lut in (
        (short, False),
        (Tensor(Shape(0, 1, 12), bytes(12)), True),
        (Tensor(Shape(1, 1, 20), bytes(20)), False),
    ):
        with pytest.raises(Rejected, match=r"^tensors: shape$"):
            unpack_records(tensor, has_lut)
    with pytest.raises(Rejected, match=r"^tensors: shape$"):
        pack_records(np.zeros((2, 3), np.int64), np.zeros(1, np.int64), np.zeros(2, np.int64))

"""Plain trees: known answers by hand, every path proves, and no altered path does."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stun.protocol.errors import Rejected
from stun.protocol.trees import merkle
from stun.protocol.trees.merkle import MerkleTree, crown, path_steps, verify

pytestmark = pytest.mark.unit

TAG = b"\x20"
DATA = (b"", b"a", b"bc", b"def", b"g" * 100)
SIZES = st.integers(1, 70) | st.sampled_from([127, 128, 129, 1000])


def h(*parts: bytes) -> bytes:
    return sha256(b"".join(parts)).digest()


def leaf(data: bytes) -> bytes:
    return h(b"\x20\x00", data)


def node(left: bytes, right: bytes) -> bytes:
    return h(b"\x20\x01", left, right)


def items(count: int) -> list[bytes]:
    return [b"item %d" % index for index in range(count)]


def refused(code: str, tag: bytes, root: bytes, count: int, index: int, data: bytes, path: tuple[bytes, ...]) -> None:
    with pytest.raises(Rejected) as error:
        verify(tag, root, count, index, data, path)
    assert str(error.value) == code


def test_known_answers_for_one_two_three_and_five_leaves() -> None:
    a, b, c, d, e = map(leaf, DATA)
    tops = {1: a, 2: node(a, b), 3: node(node(a, b), c), 5: node(node(node(a, b), node(c, d)), e)}
    for count, top in tops.items():
        tree = MerkleTree(TAG, DATA[:count])
        assert (tree.count, tree.top) == (count, top)
        assert tree.root == h(b"\x20\x02", bytes([0, 0, 0, count]), top)


def test_known_paths_of_five_leaves() -> None:
    a, b, c, d, e = map(leaf, DATA)
    tree = MerkleTree(TAG, DATA)
    assert tree.prove(0) == (b, node(c, d), e)
    assert tree.prove(3) == (c, node(a, b), e)
    assert tree.prove(4) == (node(node(a, b), node(c, d)),)
    assert MerkleTree(TAG, DATA[:1]).prove(0) == ()


def test_root_of_one_empty_leaf_in_hex() -> None:
    tree = MerkleTree(TAG, [b""])
    assert tree.root == h(b"\x20\x02\x00\x00\x00\x01", h(b"\x20\x00"))


def recursive_top(data: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, as it is written there."""
    if len(data) == 1:
        return leaf(data[0])
    split = 1
    while split * 2 < len(data):
        split *= 2
    return node(recursive_top(data[:split]), recursive_top(data[split:]))


@given(st.lists(st.binary(max_size=80), min_size=1, max_size=140))
def test_shape_is_that_of_the_recursive_definition(data: list[bytes]) -> None:
    assert MerkleTree(TAG, data).top == recursive_top(data)


@given(SIZES, st.data())
def test_every_leaf_proves(count: int, draw: st.DataObject) -> None:
    tree = MerkleTree(TAG, items(count))
    index = draw.draw(st.integers(0, count - 1))
    verify(TAG, tree.root, count, index, b"item %d" % index, tree.prove(index))


@given(SIZES, st.data())
def test_a_path_proves_nothing_else(count: int, draw: st.DataObject) -> None:
    tree = MerkleTree(TAG, items(count))
    index = draw.draw(st.integers(0, count - 1))
    data, path = b"item %d" % index, tree.prove(index)
    other = draw.draw(st.sampled_from([value for value in range(-2, count + 3) if value != index]))
    refused("trees: path", TAG, tree.root, count, other, data, path)
    refused("trees: path", TAG, tree.root, count, index, data + b"!", path)
    refused("trees: path", b"\x21", tree.root, count, index, data, path)
    refused("trees: path", TAG, tree.top, count, index, data, path)
    refused("trees: path", TAG, tree.root, count, index, data, (*path, bytes(32)))
    refused("trees: path", TAG, tree.root, count, index, data, (bytes(32), *path))
    if path:
        spot = draw.draw(st.integers(0, len(path) - 1))
        for wrong in (b"", path[spot][:-1], path[spot] + b"\x00", bytes(32)):
            refused("trees: path", TAG, tree.root, count, index, data, (*path[:spot], wrong, *path[spot + 1 :]))
        refused("trees: path", TAG, tree.root, count, index, data, path[:-1])


@given(SIZES, st.integers(1, 2**32 - 1), st.data())
def test_the_crown_binds_the_count(count: int, claimed: int, draw: st.DataObject) -> None:
    tree = MerkleTree(TAG, items(count))
    index = draw.draw(st.integers(0, count - 1))
    if claimed != count:
        refused("trees: path", TAG, tree.root, claimed, index, b"item %d" % index, tree.prove(index))


def test_a_count_alone_cannot_be_swapped_where_the_path_stays_the_same() -> None:
    tree = MerkleTree(TAG, items(3))  # leaf 0 has two siblings in a tree of three as in a tree of four
    refused("trees: path", TAG, tree.root, 4, 0, b"item 0", tree.prove(0))


def test_an_inner_node_is_no_leaf() -> None:
    tree = MerkleTree(TAG, items(4))
    left, right = tree.levels[1]
    for count in (2, 4):
        refused("trees: path", TAG, tree.root, count, 0, b"".join(tree.levels[0][:2]), (right,))
        refused("trees: path", TAG, tree.root, count, 0, left, (right,))


def test_halves_of_siblings_cannot_be_moved() -> None:
    tree = MerkleTree(TAG, items(4))
    first, second = tree.prove(0)
    refused("trees: path", TAG, tree.root, 4, 0, b"item 0", (first + second[:1], second[1:]))


@pytest.mark.parametrize("count", [0, -1, 2**32, 2**300])
def test_a_count_outside_u32_is_refused(count: int) -> None:
    refused("trees: path", TAG, bytes(32), count, 0, b"", ())
    refused("trees: path", TAG, bytes(32), count, 0, b"", (bytes(32),) * (max(count, 1) - 1).bit_length())


def test_a_huge_path_is_refused_before_any_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    tree = MerkleTree(TAG, items(2))
    monkeypatch.setattr(merkle, "hash_leaf", None)
    refused("trees: path", TAG, tree.root, 2, 0, b"item 0", (bytes(32),) * 1_000_000)


def test_the_deepest_tree_has_a_path_of_thirty_two() -> None:
    assert len(tuple(path_steps(0, 2**32 - 1))) == 32
    assert len(tuple(path_steps(2**32 - 2, 2**32 - 1))) == 31  # a last leaf, promoted once


def test_an_empty_tree_is_refused() -> None:
    with pytest.raises(Rejected) as error:
        MerkleTree(TAG, [])
    assert str(error.value) == "trees: empty"


def test_more_leaves_than_the_count_holds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merkle, "MAX_LEAVES", 4)
    assert MerkleTree(TAG, items(4)).count == 4
    with pytest.raises(Rejected) as error:
        MerkleTree(TAG, items(5))
    assert str(error.value) == "trees: count"


@pytest.mark.parametrize("index", [-1, 3, 2**32])
def test_a_leaf_that_is_not_there_cannot_be_proven(index: int) -> None:
    with pytest.raises(Rejected) as error:
        MerkleTree(TAG, items(3)).prove(index)
    assert str(error.value) == "trees: index"


def test_crown_is_tag_two_count_and_top() -> None:
    assert crown(b"\x25", 2**32 - 1, bytes(32)) == h(b"\x25\x02\xff\xff\xff\xff", bytes(32))

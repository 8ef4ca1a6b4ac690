"""unfolding.vy, merkle_paths.vy and court_cases.vy: every node, path and digest is the specification's."""

from hashlib import sha256
from typing import Any

import boa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stun.protocol.court.state import Case, trace_digest
from stun.protocol.court.unfolding import height, unfold, width
from stun.protocol.trees.merkle import MerkleTree
from stun.protocol.trees.results import Result, ResultsTree
from stun.protocol.trees.tags import OPS

pytestmark = pytest.mark.unit

CALLER = """
from contracts.interfaces import ICourt
from contracts.modules import court_cases as cases
from contracts.modules import merkle_paths
from contracts.modules import unfolding


@external
@pure
def climb(count: uint256, index: uint256, leaf: bytes32, path: DynArray[bytes32, 17]) -> bytes32:
    return merkle_paths.climb(0x2301, 0x2302, count, index, leaf, path)


@external
@pure
def outputs_root(count: uint256, leaf: ICourt.Leaf) -> (bytes32, uint256):
    return cases.outputs_root(count, leaf)


@external
@pure
def height(count: uint256) -> uint256:
    return unfolding.height(count)


@external
@pure
def fold_results(
    count: uint256, level: uint256, position: uint256, nodes: DynArray[bytes32, 32], units: DynArray[uint64, 16]
) -> (bytes32, uint256):
    return unfolding.fold_results(unfolding.unfold(count, level, position, 4), nodes, units)


@external
@pure
def fold_operators(
    count: uint256, level: uint256, position: uint256, nodes: DynArray[bytes32, 32], account: address
) -> bytes32:
    return unfolding.fold_operators(unfolding.unfold(count, level, position, 4), nodes, account)


@external
@pure
def case_digest(c: ICourt.Case) -> bytes32:
    return cases.case_digest(c)


@external
@pure
def trace_digest(subject: bytes32, trace_root: bytes32, cipher_root: bytes32) -> bytes32:
    return cases.trace_digest(subject, trace_root, cipher_root)
"""
ADDRESS = "0x" + sha256(b"provider").digest()[:20].hex()
ACCOUNT = bytes(12) + bytes.fromhex(ADDRESS[2:])
counts = st.one_of(st.integers(1, 40), st.sampled_from([255, 256, 257, 700]))


@pytest.fixture(scope="module")
def caller() -> Any:
    return boa.loads(CALLER, name="unfolding_caller")


@settings(max_examples=25)
@given(counts, st.data())
def test_results_fold_as_in_the_specification(caller: Any, count: int, data: st.DataObject) -> None:
    tree = ResultsTree(Result(sha256(b"%d" % i).digest(), i * 7) for i in range(count))
    level = data.draw(st.integers(0, height(count)))
    position = data.draw(st.integers(0, width(count, level) - 1))
    below = unfold(count, level, position)
    place = slice(below.first, below.first + below.size)
    leaves = [(r.output_digest, r.units) for r in tree.results]
    shown = leaves[place] if below.level == 0 else list(tree.levels[below.level][place])
    folded = caller.fold_results(count, level, position, [n for n, _ in shown], [u for _, u in shown])
    assert tuple(folded) == tree.levels[level][position]
    assert caller.height(count) == height(count)


@settings(max_examples=25)
@given(counts, st.data())
def test_traces_fold_and_climb_as_in_the_specification(caller: Any, count: int, data: st.DataObject) -> None:
    roots = [sha256(b"op %d" % i).digest() for i in range(count)]
    tree = MerkleTree(OPS, [ACCOUNT + i.to_bytes(4, "big") + root for i, root in enumerate(roots)])
    level = data.draw(st.integers(0, height(count)))
    position = data.draw(st.integers(0, width(count, level) - 1))
    below = unfold(count, level, position)
    place = slice(below.first, below.first + below.size)
    shown = roots[place] if below.level == 0 else list(tree.levels[below.level][place])
    assert caller.fold_operators(count, level, position, shown, ADDRESS) == tree.levels[level][position]
    index = data.draw(st.integers(0, count - 1))
    path = list(tree.prove(index))
    leaf = tree.levels[0][index]
    assert caller.climb(count, index, leaf, path) == tree.root
    wrong = [(index, [*path, leaf]), (count, path)]
    wrong += [(index, path[:-1])] if path else []
    for other_index, other_path in wrong:
        with boa.reverts("trees: path"):
            caller.climb(count, other_index, leaf, other_path)


@settings(max_examples=25)
@given(counts, st.data())
def test_result_paths_carry_their_units(caller: Any, count: int, data: st.DataObject) -> None:
    tree = ResultsTree(Result(sha256(b"%d" % i).digest(), i * 7 + 1) for i in range(count))
    index = data.draw(st.integers(0, count - 1))
    path = tree.prove(index)
    result = tree.results[index]
    hashes, units = [node[0] for node in path], [node[1] for node in path]
    shown = (index, result.output_digest, result.units, hashes, units)
    assert tuple(caller.outputs_root(count, shown)) == (tree.root, tree.total_units)
    for spare in ((index, result.output_digest, result.units, [*hashes, bytes(32)], [*units, 0]), (count, *shown[1:])):
        with boa.reverts("trees: path"):
            caller.outputs_root(count, spare)


def test_units_that_overflow_are_refused(caller: Any) -> None:
    most = 2**64 - 1
    with boa.reverts("trees: overflow"):
        caller.outputs_root(2, (0, bytes(32), most, [bytes(32)], [1]))
    with boa.reverts("trees: overflow"):
        caller.fold_results(2, 1, 0, [bytes(32), bytes(32)], [most, 1])


@pytest.mark.parametrize("private", [False, True])
def test_cases_and_traces_have_the_digests_of_the_specification(caller: Any, private: bool) -> None:
    digest = [sha256(b"%d" % i).digest() for i in range(7)]
    case = Case(digest[0], 2, 65_535, 84, digest[1], digest[2], 2**64 - 1, digest[3], digest[4], private)
    fields = (digest[0], 2, 65_535, 84, digest[1], digest[2], 2**64 - 1, digest[3], digest[4], private)
    assert caller.case_digest(fields) == case.digest()
    assert caller.trace_digest(case.digest(), digest[5], digest[6]) == trace_digest(case.digest(), digest[5], digest[6])

"""Opening a node of a tree: the descendants an answer shows fold up to the node, whatever the shape of the tree."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stun.protocol.court.unfolding import DEPTH, fold_operators, fold_results, height, unfold, width
from stun.protocol.errors import Rejected
from stun.protocol.parameters import U64
from stun.protocol.trees.merkle import MerkleTree
from stun.protocol.trees.results import Result, ResultsTree
from stun.protocol.trees.tags import OPS

pytestmark = pytest.mark.unit

ACCOUNT = sha256(b"provider").digest()
counts = st.one_of(st.integers(1, 40), st.integers(1, 700), st.sampled_from([15, 16, 17, 255, 256, 257]))


def results(count: int) -> list[Result]:
    return [Result(sha256(b"%d" % i).digest(), i * 7) for i in range(count)]


@given(counts)
def test_every_level_has_its_width_and_one_node_on_top(count: int) -> None:
    tree = ResultsTree(results(count))
    assert height(count) == len(tree.levels) - 1
    assert [width(count, level) for level in range(len(tree.levels))] == [len(level) for level in tree.levels]


@given(counts, st.data())
def test_descendants_of_a_results_node_fold_up_to_it(count: int, data: st.DataObject) -> None:
    tree = ResultsTree(results(count))
    level = data.draw(st.integers(0, height(count)))
    position = data.draw(st.integers(0, width(count, level) - 1))
    below = unfold(count, level, position)
    assert below.level == max(0, level - DEPTH)
    assert 1 <= below.size <= 1 << DEPTH
    place = slice(below.first, below.first + below.size)
    leaves = [(r.output_digest, r.units) for r in tree.results]
    shown = leaves[place] if below.level == 0 else list(tree.levels[below.level][place])
    assert fold_results(shown, below) == tree.levels[level][position]
    altered = [*shown[:-1], (shown[-1][0], shown[-1][1] + 1)]
    assert fold_results(altered, below) != tree.levels[level][position]


@given(counts, st.data())
def test_descendants_of_a_trace_node_fold_up_to_it(count: int, data: st.DataObject) -> None:
    roots = [sha256(b"op %d" % i).digest() for i in range(count)]
    tree = MerkleTree(OPS, [ACCOUNT + i.to_bytes(4, "big") + root for i, root in enumerate(roots)])
    level = data.draw(st.integers(0, height(count)))
    position = data.draw(st.integers(0, width(count, level) - 1))
    below = unfold(count, level, position)
    place = slice(below.first, below.first + below.size)
    shown = roots[place] if below.level == 0 else list(tree.levels[below.level][place])
    assert fold_operators(shown, below, ACCOUNT) == tree.levels[level][position]
    other = fold_operators(shown, below, sha256(b"somebody else").digest())
    assert (other == tree.levels[level][position]) == (below.level > 0)


@given(counts)
def test_answers_of_one_level_cover_it_without_a_gap(count: int) -> None:
    level = min(DEPTH, height(count))
    covered = [
        place
        for position in range(width(count, level))
        for place in range(
            unfold(count, level, position).first,
            unfold(count, level, position).first + unfold(count, level, position).size,
        )
    ]
    assert covered == list(range(count))


def test_units_that_overflow_are_no_answer() -> None:
    below = unfold(2, 1, 0)
    with pytest.raises(Rejected, match="trees: overflow"):
        fold_results([(bytes(32), U64), (bytes(32), 1)], below)

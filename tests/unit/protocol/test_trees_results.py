"""The sum tree: known answers by hand, what a post shows is enough, and no units can be invented."""

from hashlib import sha256
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stun.protocol.errors import Rejected
from stun.protocol.trees import results as results_module
from stun.protocol.trees.merkle import MerkleTree
from stun.protocol.trees.results import Result, ResultsTree, Top, derive, verify_result

pytestmark = pytest.mark.unit

U64 = 2**64 - 1
ZERO = bytes(32)
UNITS = st.integers(0, 2**40) | st.sampled_from([0, 1, 2**48])
RESULTS = st.builds(Result, st.binary(min_size=32, max_size=32), UNITS)
LISTS = st.lists(RESULTS, min_size=1, max_size=70)


def sample(count: int) -> list[Result]:
    return [Result(sha256(b"output %d" % index).digest(), 10 * index + 1) for index in range(count)]


def u64(value: int) -> bytes:
    return value.to_bytes(8, "big")


def leaf(index: int, result: Result) -> tuple[bytes, int]:
    data = b"\x21\x00" + index.to_bytes(4, "big") + result.output_digest + u64(result.units)
    return sha256(data).digest(), result.units


def node(left: tuple[bytes, int], right: tuple[bytes, int]) -> tuple[bytes, int]:
    data = b"\x21\x01" + left[0] + u64(left[1]) + right[0] + u64(right[1])
    return sha256(data).digest(), left[1] + right[1]


def code_of(function: object, *arguments: object) -> str:
    with pytest.raises(Rejected) as error:
        function(*arguments)  # type: ignore[operator]
    return str(error.value)


def test_known_answers_for_one_two_three_and_five_results() -> None:
    a, b, c, d, e = (leaf(index, result) for index, result in enumerate(sample(5)))
    halves = {2: (a, b), 3: (node(a, b), c), 5: (node(node(a, b), node(c, d)), e)}
    for count, (left, right) in halves.items():
        tree, top = ResultsTree(sample(count)), node(left, right)
        assert tree.root == sha256(b"\x21\x02" + bytes([0, 0, 0, count]) + top[0]).digest()
        assert tree.total_units == top[1] == sum(result.units for result in sample(count))
        assert tree.top == Top(left[0], left[1], right[0], right[1])
    only = ResultsTree(sample(1))
    assert only.root == sha256(b"\x21\x02\x00\x00\x00\x01" + a[0]).digest()
    assert (only.total_units, only.top) == (1, Top(sample(1)[0].output_digest, 1, ZERO, 0))


def test_known_paths_of_five_results() -> None:
    a, b, c, d, e = (leaf(index, result) for index, result in enumerate(sample(5)))
    tree = ResultsTree(sample(5))
    assert tree.prove(1) == (a, node(c, d), e)
    assert tree.prove(4) == (node(node(a, b), node(c, d)),)
    assert ResultsTree(sample(1)).prove(0) == ()


@given(LISTS)
def test_shape_is_that_of_every_tree(results: list[Result]) -> None:
    """Each level is as wide as the plain tree's and an odd last node is the same object below and above."""
    tree, plain = ResultsTree(results), MerkleTree(b"\x21", [b""] * len(results))
    assert [len(level) for level in tree.levels] == [len(level) for level in plain.levels]
    for below, above in zip(tree.levels, tree.levels[1:], strict=False):
        pairs = [node(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)]
        assert list(above) == pairs + ([below[-1]] if len(below) % 2 else [])


@given(LISTS)
def test_a_post_shows_enough(results: list[Result]) -> None:
    tree = ResultsTree(results)
    assert derive(len(results), tree.top) == (tree.root, tree.total_units)
    assert tree.total_units == sum(result.units for result in results)


@given(LISTS, st.data())
def test_every_result_proves_and_nothing_else(results: list[Result], draw: st.DataObject) -> None:
    tree, count = ResultsTree(results), len(results)
    index = draw.draw(st.integers(0, count - 1))
    result, path = results[index], tree.prove(index)
    assert verify_result(tree.root, count, index, result, path) == tree.total_units
    wrong_result = Result(result.output_digest, result.units + 1)
    other = draw.draw(st.sampled_from([value for value in range(-1, count + 2) if value != index]))
    for arguments in (
        (tree.root, count, index, wrong_result, path),
        (tree.root, count, other, result, path),
        (tree.root, count + 1, index, result, path),
        (tree.root, count, index, result, (*path, (ZERO, 0))),
        (tree.levels[-1][0][0], count, index, result, path),
    ):
        assert code_of(verify_result, *arguments) == "trees: path"


@given(LISTS.filter(lambda results: len(results) > 1), st.data())
def test_an_altered_sibling_is_refused(results: list[Result], draw: st.DataObject) -> None:
    tree, count = ResultsTree(results), len(results)
    index = draw.draw(st.integers(0, count - 1))
    path = tree.prove(index)
    spot = draw.draw(st.integers(0, len(path) - 1))
    digest, units = path[spot]
    for wrong in ((digest, units + 1), (ZERO, units), (digest[:31], units), (digest + b"\x00", units), (digest, -1)):
        altered = (*path[:spot], wrong, *path[spot + 1 :])
        assert code_of(verify_result, tree.root, count, index, results[index], altered) == "trees: path"
    assert code_of(verify_result, tree.root, count, index, results[index], path[:-1]) == "trees: path"
    wide = (*path[:spot], (digest, U64 + 1), *path[spot + 1 :])
    assert code_of(verify_result, tree.root, count, index, results[index], wide) == "trees: path"


def test_a_path_whose_sum_exceeds_u64_is_refused() -> None:
    result = Result(ZERO, 1)
    assert code_of(verify_result, ZERO, 2, 0, result, ((ZERO, U64),)) == "trees: overflow"
    assert code_of(verify_result, ZERO, 2, 1, result, ((ZERO, U64),)) == "trees: overflow"


def test_units_up_to_u64_fit_and_one_more_overflows() -> None:
    most = [Result(ZERO, U64 - 1), Result(ZERO, 0), Result(ZERO, 1)]
    assert ResultsTree(most).total_units == U64
    assert code_of(ResultsTree, [*most, Result(ZERO, 1)]) == "trees: overflow"
    assert ResultsTree([Result(ZERO, U64)]).total_units == U64


@pytest.mark.parametrize(
    ("digest", "units"), [(ZERO[:31], 0), (ZERO + b"\x00", 0), (b"", 0), (ZERO, -1), (ZERO, U64 + 1)]
)
def test_a_malformed_result_is_refused(digest: bytes, units: int) -> None:
    assert code_of(Result, digest, units) == "trees: result"


def test_counts_outside_a_batch_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    top = Top(ZERO, 0, ZERO, 0)
    assert code_of(ResultsTree, []) == "trees: empty"
    assert code_of(derive, 0, top) == "trees: empty"
    assert code_of(derive, -1, top) == "trees: empty"
    assert code_of(derive, 65_537, top) == "trees: count"
    assert derive(65_536, top)[1] == 0
    for count in (0, 65_537, 2**64):
        assert code_of(verify_result, ZERO, count, 0, Result(ZERO, 0), ()) == "trees: path"
    monkeypatch.setattr(results_module, "MAX_COUNT", 2)
    assert code_of(ResultsTree, sample(3)) == "trees: count"


@pytest.mark.parametrize("index", [-1, 2, 2**32])
def test_a_task_that_is_not_there_cannot_be_proven(index: int) -> None:
    assert code_of(ResultsTree(sample(2)).prove, index) == "trees: index"


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize(
    "top",
    [
        Top(ZERO[:31], 0, ZERO, 0),
        Top(ZERO, 0, ZERO + b"\x00", 0),
        Top(ZERO, -1, ZERO, 0),
        Top(ZERO, U64 + 1, ZERO, 0),
        Top(ZERO, 0, ZERO, -1),
        Top(ZERO, 0, b"", 0),
    ],
)
def test_a_malformed_top_is_refused(count: int, top: Top) -> None:
    assert code_of(derive, count, top) == "trees: top"


@pytest.mark.parametrize("top", [Top(ZERO, 5, ZERO, 1), Top(ZERO, 5, b"\x01" + ZERO[1:], 0), Top(ZERO, 0, ZERO, U64)])
def test_a_batch_of_one_shows_nothing_on_the_right(top: Top) -> None:
    assert code_of(derive, 1, top) == "trees: top"


def test_false_units_in_a_top_give_another_root_or_overflow() -> None:
    tree = ResultsTree(sample(3))
    top = tree.top
    forged = Top(top.left, top.left_units + 1, top.right, top.right_units - 1)
    assert derive(3, forged)[0] != tree.root  # the same total, yet another root
    assert derive(2, tree.top)[0] != tree.root
    assert code_of(derive, 3, Top(top.left, U64, top.right, 1)) == "trees: overflow"
    assert derive(3, Top(top.left, U64, top.right, 0))[1] == U64


def test_a_results_leaf_is_bound_to_its_task() -> None:
    same = [Result(ZERO, 1)] * 4
    assert len(set(ResultsTree(same).levels[0])) == 4


def test_the_largest_batch_is_quick_and_right() -> None:
    results = [Result(ZERO, index) for index in range(65_536)]
    started = perf_counter()
    tree = ResultsTree(results)
    assert perf_counter() - started < 5  # 0.2 s alone; the margin is for a busy machine
    assert tree.total_units == 65_536 * 65_535 // 2
    assert len(tree.levels) == 17
    assert verify_result(tree.root, 65_536, 65_535, results[-1], tree.prove(65_535)) == tree.total_units

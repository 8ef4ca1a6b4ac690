"""The published results of a replica: one encoding, hostile bytes refused."""

import pytest

from stun.protocol.errors import Rejected
from stun.protocol.trees.results import Result, ResultsTree
from stun.storage.results import MAGIC, MAX_BYTES, ResultsBroken, pack_results, unpack_results

pytestmark = pytest.mark.unit

TREE = ResultsTree([Result(bytes([k]) * 32, k) for k in range(5)])


def test_results_come_back_as_they_were() -> None:
    again = unpack_results(pack_results(TREE))
    assert (again.root, again.total_units, again.results) == (TREE.root, TREE.total_units, TREE.results)


@pytest.mark.parametrize(
    "data", [b"", MAGIC, pack_results(TREE)[:-1], pack_results(TREE) + b"\0", b"XXXX" + pack_results(TREE)[4:]]
)
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ResultsBroken):
        unpack_results(data)


def test_more_results_than_a_batch_has_are_refused() -> None:
    with pytest.raises(ResultsBroken):
        unpack_results(MAGIC + bytes(MAX_BYTES - len(MAGIC) + 40))


def test_units_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(Rejected, match="trees: overflow"):
        unpack_results(MAGIC + 2 * (bytes(32) + b"\xff" * 8))

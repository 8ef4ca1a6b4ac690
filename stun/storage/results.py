"""The results of a replica in the open: digest and units of every task, so that anyone can resolve a disagreement.

One blob: magic `STR1` | for each task its output digest (32) and its units u64. It shows no output. Whoever reads it
rebuilds the tree and compares its root with the one on chain.
"""

from stun.protocol.errors import StunError
from stun.protocol.parameters import MAX_COUNT
from stun.protocol.trees.results import Result, ResultsTree

MAGIC = b"STR1"
RESULT_BYTES = 40
MAX_BYTES = len(MAGIC) + MAX_COUNT * RESULT_BYTES


class ResultsBroken(StunError):
    """Bytes that are no results blob."""


def pack_results(tree: ResultsTree) -> bytes:
    """Write the leaves of a results tree."""
    leaves = (result.output_digest + result.units.to_bytes(8, "big") for result in tree.results)
    return MAGIC + b"".join(leaves)


def unpack_results(data: bytes) -> ResultsTree:
    """Rebuild a results tree. Errors: ResultsBroken; "trees: overflow" if the units do not add up in u64."""
    body = data[len(MAGIC) :]
    if data[: len(MAGIC)] != MAGIC or not body or len(body) % RESULT_BYTES or len(data) > MAX_BYTES:
        raise ResultsBroken(f"{len(data)} bytes are not the results of 1 to {MAX_COUNT} tasks")
    parts = (body[at : at + RESULT_BYTES] for at in range(0, len(body), RESULT_BYTES))
    return ResultsTree(Result(part[:32], int.from_bytes(part[32:], "big")) for part in parts)

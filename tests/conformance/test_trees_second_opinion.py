"""Our trees beside pymerkle, an implementation of RFC 6962 and RFC 9162 by others.

pymerkle puts two prefixes before what it hashes; setting them to our tag and second byte gives our plain trees,
and leaving them alone gives RFC 6962 itself, which our code must produce with an empty tag. It has no sum trees: with
nodes of 40 bytes, hash and units, its shape carries our sums.
"""

from hashlib import sha256
from random import Random

import pytest
from pymerkle import InmemoryTree, verify_inclusion

from stun.protocol.trees import tags
from stun.protocol.trees.merkle import MerkleTree, crown, path_steps, verify
from stun.protocol.trees.results import Node, Result, ResultsTree

pytestmark = pytest.mark.conformance

COUNTS = [*range(1, 70), 127, 128, 129, 255, 256, 257, 1000, 1024, 2049]
# Roots of the first n of the leaves below, published with the Certificate Transparency log's tests.
CT_LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def other_tree(tag: bytes, data: list[bytes]) -> InmemoryTree:
    tree = InmemoryTree(algorithm="sha256")
    tree.leaf_prefix, tree.node_prefix = tag + tree.leaf_prefix, tag + tree.node_prefix
    tree.append_entries(data)
    return tree


def random_data(count: int) -> list[bytes]:
    random = Random(count)
    return [random.randbytes(random.randrange(100)) for _ in range(count)]


@pytest.mark.parametrize(
    "tag", [b"", tags.SPECS, tags.CHUNKS, tags.PROVIDERS], ids=["rfc6962", "specs", "chunks", "providers"]
)
def test_tops_are_equal(tag: bytes) -> None:
    for count in COUNTS:
        data = random_data(count)
        top = other_tree(tag, data).get_root()
        tree = MerkleTree(tag, data)
        assert (tree.top, tree.root) == (top, crown(tag, count, top))


@pytest.mark.parametrize("tag", [b"", tags.SPECS], ids=["rfc6962", "specs"])
def test_paths_are_equal_and_each_verifier_accepts_the_others(tag: bytes) -> None:
    for count in [*range(1, 41), 1000]:
        data = random_data(count)
        ours, theirs = MerkleTree(tag, data), other_tree(tag, data)
        for index in range(count) if count <= 40 else (0, 1, 499, 998, 999):
            proof = theirs.prove_inclusion(index + 1)
            assert proof.path[0] == ours.levels[0][index]
            assert tuple(proof.path[1:]) == ours.prove(index)
            verify(tag, ours.root, count, index, data[index], tuple(proof.path[1:]))
            if not tag:  # their verifier knows its own prefixes only
                verify_inclusion(ours.levels[0][index], ours.top, proof)


def test_roots_published_for_certificate_transparency() -> None:
    data = [bytes.fromhex(leaf) for leaf in CT_LEAVES]
    for count, root in enumerate(CT_ROOTS, start=1):
        assert MerkleTree(b"", data[:count]).top.hex() == root


class UnitsInHash(InmemoryTree):  # type: ignore[misc]
    """Their tree with nodes of 40 bytes: hash and units u64."""

    def hash_buff(self, data: bytes) -> bytes:
        return sha256(b"\x21\x00" + data).digest() + data[-8:]

    def hash_pair(self, left: bytes, right: bytes) -> bytes:
        units = sum(int.from_bytes(node[32:], "big") for node in (left, right))
        return sha256(b"\x21\x01" + left + right).digest() + units.to_bytes(8, "big")


def packed(node: Node) -> bytes:
    return node[0] + node[1].to_bytes(8, "big")


def test_the_sum_tree_has_their_shape() -> None:
    for count in COUNTS:
        random = Random(count)
        results = [Result(random.randbytes(32), random.randrange(2**40)) for _ in range(count)]
        ours, theirs = ResultsTree(results), UnitsInHash(algorithm="sha256", disable_optimizations=True)
        theirs.append_entries(
            index.to_bytes(4, "big") + result.output_digest + result.units.to_bytes(8, "big")
            for index, result in enumerate(results)
        )
        assert packed(ours.levels[-1][0]) == theirs.get_root()
        index = random.randrange(count)
        assert [packed(node) for node in ours.prove(index)] == theirs.prove_inclusion(index + 1).path[1:]


def test_steps_are_as_many_as_their_paths_are_long() -> None:
    for count in COUNTS[:40]:
        theirs = other_tree(b"", random_data(count))
        for index in range(count):
            assert len(tuple(path_steps(index, count))) == len(theirs.prove_inclusion(index + 1).path) - 1

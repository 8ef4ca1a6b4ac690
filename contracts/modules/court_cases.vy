# pragma version ~=0.4.3
"""
@title Cases, traces and what is committed under them
@custom:contract-name court_cases
@license GNU Affero General Public License v3.0 only
@notice The digests of stun/protocol/court/state.py, and the paths that bind leaves of results, specs, graphs and traces to
        their roots. Integers are big endian.
"""

from ..interfaces import ICourt
from . import merkle_paths as paths
from . import unfolding

TAG_EVIDENCE: constant(bytes1) = 0x16
TAG_CASE: constant(bytes1) = 0x17
TAG_TRACED: constant(bytes1) = 0x18
TAG_PRIVATE: constant(bytes1) = 0x15
TAG_SPEC: constant(bytes1) = 0x11

U64: constant(uint256) = 2**64 - 1

ERR_PATH: constant(String[32]) = "trees: path"
ERR_OVERFLOW: constant(String[32]) = "trees: overflow"


@internal
@pure
def case_digest(c: ICourt.Case) -> bytes32:
    """
    @notice Returns the 32 bytes that stand for a case.
    @param c The case.
    """
    return sha256(
        concat(
            TAG_CASE,
            c.batch_id,
            convert(convert(c.replica, uint8), bytes1),
            convert(convert(c.task, uint32), bytes4),
            convert(convert(c.op_count, uint32), bytes4),
            c.input_root,
            c.output_digest,
            convert(c.units, bytes8),
            c.graph_root,
            c.weight_root,
            convert(convert(c.secret, uint8), bytes1),
        )
    )


@internal
@pure
def trace_digest(subject: bytes32, trace_root: bytes32, cipher_root: bytes32) -> bytes32:
    """
    @notice Returns what is stored of a committed trace.
    @param subject Digest of its case.
    @param trace_root Its root.
    @param cipher_root Root of the delivered ciphertext, zero unless the case is secret.
    """
    return sha256(concat(TAG_TRACED, subject, trace_root, cipher_root))


@internal
@pure
def seal(challenger: address, evidence_digest: bytes32, salt: bytes32) -> bytes32:
    """
    @notice Returns the hash that an announcement shows.
    @param challenger Who announced.
    @param evidence_digest Of the encoded evidence.
    @param salt 32 secret bytes.
    """
    return sha256(concat(TAG_EVIDENCE, convert(convert(challenger, uint256), bytes32), evidence_digest, salt))


@internal
@pure
def private_digest(output_root: bytes32, cipher_root: bytes32) -> bytes32:
    """
    @notice Returns the output digest of a private task.
    @param output_root Of the last operator.
    @param cipher_root Of the ciphertext.
    """
    return sha256(concat(TAG_PRIVATE, output_root, cipher_root))


@internal
@pure
def specs_root(count: uint256, task: uint256, spec: ICourt.Spec) -> bytes32:
    """
    @notice Returns the specs root that a spec's path leads to. Errors: "trees: path".
    @param count Tasks of the order.
    @param task Which one.
    @param spec Its digests and path.
    """
    digest: bytes32 = sha256(concat(TAG_SPEC, spec.input_root, spec.params_digest, spec.json_digest))
    leaf: bytes32 = sha256(concat(0x2000, digest))
    return paths.climb(0x2001, 0x2002, count, task, leaf, spec.path)


@internal
@pure
def trace_root_of(account: address, count: uint256, operator: ICourt.Operator) -> bytes32:
    """
    @notice Returns the trace root that an operator's path leads to. Errors: "trees: path".
    @param account Whose trace.
    @param count Operators of the model.
    @param operator Its output root and path.
    """
    leaf: bytes32 = unfolding.operator_leaf(account, operator.index, operator.output_root)
    return paths.climb(0x2301, 0x2302, count, operator.index, leaf, operator.path)


@internal
@pure
def graph_root_of(count: uint256, index: uint256, leaf: ICourt.GraphLeaf) -> bytes32:
    """
    @notice Returns the graph root that a leaf's path leads to. Errors: "trees: path".
    @param count Leaves of the graph: its operators and the header.
    @param index Of the leaf.
    @param leaf Its bytes and path.
    """
    return paths.climb(0x2601, 0x2602, count, index, sha256(concat(0x2600, leaf.data)), leaf.path)


@internal
@pure
def crown(tag_crown: bytes2, count: uint256, top: bytes32) -> bytes32:
    """
    @notice Returns a crowned root.
    @param tag_crown Of the tree.
    @param count Its leaves.
    @param top Its top node.
    """
    return sha256(concat(tag_crown, convert(convert(count, uint32), bytes4), top))


@internal
@pure
def outputs_root(count: uint256, leaf: ICourt.Leaf) -> (bytes32, uint256):
    """
    @notice Returns the outputs root and total units that a result's path leads to.
    @dev Errors: "trees: path", "trees: overflow".
    @param count Tasks of the batch.
    @param leaf The result and its path.
    """
    assert leaf.task < count and len(leaf.path) == len(leaf.path_units), ERR_PATH
    position: uint256 = leaf.task
    width: uint256 = count
    used: uint256 = 0
    sum: uint256 = convert(leaf.units, uint256)
    node: bytes32 = sha256(
        concat(0x2100, convert(convert(leaf.task, uint32), bytes4), leaf.output_digest, convert(leaf.units, bytes8))
    )
    for _level: uint256 in range(17):
        if width == 1:
            break
        if position & 1 == 1 or position + 1 < width:
            assert used < len(leaf.path), ERR_PATH
            own: bytes8 = convert(convert(sum, uint64), bytes8)
            other: bytes8 = convert(leaf.path_units[used], bytes8)
            if position & 1 == 1:
                node = sha256(concat(0x2101, leaf.path[used], other, node, own))
            else:
                node = sha256(concat(0x2101, node, own, leaf.path[used], other))
            sum += convert(leaf.path_units[used], uint256)
            assert sum <= U64, ERR_OVERFLOW
            used += 1
        position >>= 1
        width = (width + 1) >> 1
    assert used == len(leaf.path), ERR_PATH
    return self.crown(0x2102, count, node), sum

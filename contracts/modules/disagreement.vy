# pragma version ~=0.4.3
"""
@title Sum-tree multi-proof of a disagreement
@custom:contract-name disagreement
@license GNU Affero General Public License v3.0 only
@notice The climb of stun/protocol/trees/resolve.py: r leaves for each task that differs, one list of shared siblings.
        That the tasks increase strictly and stay below the count is load-bearing: a ghost path behind the true ones
        would never reach a root that is compared, and could carry forged units.
"""

from ..interfaces import IMarketplace
from . import reasons

MAX_TASKS: constant(uint256) = 32
U64: constant(uint256) = 2**64 - 1
TAG_LEAF: constant(bytes2) = 0x2100
TAG_NODE: constant(bytes2) = 0x2101
TAG_CROWN: constant(bytes2) = 0x2102
SIBLING_BYTES: constant(uint256) = 40
MAX_DEPTH: constant(uint256) = 16


# @dev A node of the frontier: one position, in each replica its own hash and units.
struct Node:
    position: uint256
    h0: bytes32
    h1: bytes32
    h2: bytes32
    u0: uint256
    u1: uint256
    u2: uint256


# @dev What the proof shows of each replica: its crowned root, its total units, and the units it is not due.
struct Shown:
    roots: bytes32[3]
    totals: uint256[3]
    lost: uint256[3]


@internal
@pure
def _leaf(index: uint32, leaf: IMarketplace.Leaf) -> bytes32:
    return sha256(concat(TAG_LEAF, convert(index, bytes4), leaf.output_digest, convert(leaf.units, bytes8)))


@internal
@pure
def _join(x: Node, y: Node, three: bool) -> Node:
    node: Node = x
    node.h0 = self._hash(x.h0, x.u0, y.h0, y.u0)
    node.h1 = self._hash(x.h1, x.u1, y.h1, y.u1)
    node.u0 = unsafe_add(x.u0, y.u0)
    node.u1 = unsafe_add(x.u1, y.u1)
    if three:
        node.h2 = self._hash(x.h2, x.u2, y.h2, y.u2)
        node.u2 = unsafe_add(x.u2, y.u2)
    if node.u0 > U64 or node.u1 > U64 or node.u2 > U64:
        reasons.fail(reasons.RESOLVE_OVERFLOW)
    return node


@internal
@pure
def _hash(left: bytes32, left_units: uint256, right: bytes32, right_units: uint256) -> bytes32:
    return sha256(
        concat(
            TAG_NODE,
            left,
            convert(convert(left_units, uint64), bytes8),
            right,
            convert(convert(right_units, uint64), bytes8),
        )
    )


@internal
@pure
def show(
    count: uint256,
    parties: uint256,
    tasks: DynArray[uint32, 32],
    leaves: DynArray[IMarketplace.Leaf, 96],
    siblings: Bytes[14080],
) -> Shown:
    """
    @notice Rebuilds every replica's root and total from its own leaves and the shared siblings.
    @dev Errors: "resolve: *", in the order of the specification.
    @param count Tasks in the batch.
    @param parties Replicas that revealed, 2 or 3.
    @param tasks Indices of the tasks that differ.
    @param leaves Of task k and party j at k * parties + j.
    @param siblings 40 bytes each.
    """
    shown: Shown = empty(Shown)
    frontier: Node[MAX_TASKS] = empty(Node[MAX_TASKS])  # positions strictly increasing, below the width
    three: bool = parties == 3
    nodes: uint256 = len(tasks)
    if nodes == 0:
        reasons.fail(reasons.RESOLVE_EMPTY)
    if len(leaves) != nodes * parties:
        reasons.fail(reasons.RESOLVE_LEAVES)
    next: uint256 = 0
    k: uint256 = 0
    for task: uint32 in tasks:
        if convert(task, uint256) < next:
            reasons.fail(reasons.RESOLVE_ORDER)
        next = convert(task, uint256) + 1
        at: uint256 = k * parties
        f: Node = empty(Node)
        f.position = convert(task, uint256)
        f.u0 = convert(leaves[at].units, uint256)
        f.u1 = convert(leaves[at + 1].units, uint256)
        f.h0 = self._leaf(task, leaves[at])
        f.h1 = self._leaf(task, leaves[at + 1])
        if three:
            f.u2 = convert(leaves[at + 2].units, uint256)
            f.h2 = self._leaf(task, leaves[at + 2])
        if f.h0 != f.h1 and f.h0 != f.h2:
            shown.lost[0] += f.u0
        if f.h1 != f.h0 and f.h1 != f.h2:
            shown.lost[1] += f.u1
        if f.h2 != f.h0 and f.h2 != f.h1:
            shown.lost[2] += f.u2
        frontier[k] = f
        k += 1
    if next > count:  # the last task has the highest index
        reasons.fail(reasons.RESOLVE_INDEX)
    width: uint256 = count
    eaten: uint256 = 0
    for level: uint256 in range(MAX_DEPTH):
        if width == 1:
            break
        i: uint256 = 0
        o: uint256 = 0
        for step: uint256 in range(MAX_TASKS):
            if i == nodes:
                break
            x: Node = frontier[i]
            p: uint256 = x.position
            i = unsafe_add(i, 1)
            if p & 1 == 1 or unsafe_add(p, 1) < width:  # else an odd last node goes up as it is
                if p & 1 == 0 and i < nodes and frontier[i].position == unsafe_add(p, 1):
                    x = self._join(x, frontier[i], three)
                    i = unsafe_add(i, 1)
                else:
                    if eaten + SIBLING_BYTES > len(siblings):
                        reasons.fail(reasons.RESOLVE_SIBLINGS)
                    h: bytes32 = extract32(siblings, eaten)
                    u: uint256 = convert(extract32(siblings, eaten + 8), uint256) & U64
                    eaten += SIBLING_BYTES
                    s: Node = Node(position=p, h0=h, h1=h, h2=h, u0=u, u1=u, u2=u)
                    if p & 1 == 1:
                        x = self._join(s, x, three)
                    else:
                        x = self._join(x, s, three)
            x.position = p >> 1
            frontier[o] = x
            o = unsafe_add(o, 1)
        nodes = o
        width = (width + 1) >> 1
    if eaten != len(siblings) or nodes != 1:
        reasons.fail(reasons.RESOLVE_SIBLINGS)
    tops: bytes32[3] = [frontier[0].h0, frontier[0].h1, frontier[0].h2]
    shown.totals = [frontier[0].u0, frontier[0].u1, frontier[0].u2]
    for j: uint256 in range(parties, bound=3):
        shown.roots[j] = sha256(concat(TAG_CROWN, convert(convert(count, uint32), bytes4), tops[j]))
    return shown

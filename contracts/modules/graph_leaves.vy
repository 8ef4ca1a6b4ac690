# pragma version ~=0.4.3
"""
@title What the court reads of a graph's leaves
@custom:contract-name graph_leaves
@license GNU Affero General Public License v3.0 only
@notice The header (18 bytes) and operators (48 bytes) of stun/protocol/graph: structure.py and operators.py.
"""

HEADER_BYTES: constant(uint256) = 18
OPERATOR_BYTES: constant(uint256) = 48
MAGIC_AND_VERSION: constant(bytes5) = 0x5354554e01  # "STUN", 1
UNIT_A_TASK: constant(uint256) = 0
UNIT_A_ROW: constant(uint256) = 1
OPCODES: constant(uint256) = 13
LINEAR: constant(uint256) = 3
MATMUL: constant(uint256) = 4
NOTHING: constant(uint256) = 2**16 - 1

ERR_HEADER: constant(String[32]) = "graph: header"
ERR_LEAF: constant(String[32]) = "graph: leaf"


@internal
@pure
def units(header: Bytes[128], rows: uint256) -> uint256:
    """
    @notice Returns what a task is counted as. Errors: "graph: header".
    @param header Leaf 0 of the graph.
    @param rows Of the task's input.
    """
    assert len(header) == HEADER_BYTES, ERR_HEADER
    assert convert(slice(header, 0, 5), bytes5) == MAGIC_AND_VERSION, ERR_HEADER
    rule: uint256 = convert(slice(header, 5, 1), uint256)
    assert rule <= UNIT_A_ROW, ERR_HEADER
    return rows if rule == UNIT_A_ROW else 1


@internal
@pure
def opcode(leaf: Bytes[128]) -> uint256:
    """
    @notice Returns an operator's opcode. Errors: "graph: leaf" (another length, unknown).
    @param leaf Its bytes.
    """
    assert len(leaf) == OPERATOR_BYTES, ERR_LEAF
    code: uint256 = convert(slice(leaf, 2, 1), uint256)
    assert code > 0 and code <= OPCODES, ERR_LEAF
    return code


@internal
@pure
def is_linear(leaf: Bytes[128]) -> bool:
    """
    @notice Whether the referee for Linear and MatMul judges an operator. Errors: "graph: leaf".
    @param leaf Its bytes.
    """
    code: uint256 = self.opcode(leaf)
    return code == LINEAR or code == MATMUL


@internal
@pure
def predecessors(leaf: Bytes[128]) -> DynArray[uint256, 2]:
    """
    @notice Returns the operators that an operator reads. Errors: "graph: leaf".
    @param leaf Its bytes.
    """
    assert len(leaf) == OPERATOR_BYTES, ERR_LEAF
    named: DynArray[uint256, 2] = []
    for at: uint256 in range(12, 16):
        if at & 1 == 0:
            index: uint256 = convert(slice(leaf, at, 2), uint256)
            if index != NOTHING:
                named.append(index)
    return named

# pragma version ~=0.4.3
"""
@title What the court stores
@custom:contract-name court_store
@license GNU Affero General Public License v3.0 only
@notice One word a demand, one word a replica, one digest a trace and an announcement, and the native coin of accounts.
        Demands, traces and announcements travel with calls; only what proves them is kept.
"""

from ..interfaces import ICourt

OPEN: constant(uint256) = 1
CLOSED: constant(uint256) = 2

# @dev In the place of a trace that is demanded and not yet committed.
DEMANDED: constant(bytes32) = 0x0000000000000000000000000000000000000000000000000000000000000001

U16: constant(uint256) = 2**16 - 1
TRACES: constant(uint256) = 16  # bits
CONVICTED: constant(uint256) = 1 << 32
WRONG: constant(uint256) = 1 << 33
ANSWERED_AT: constant(uint256) = 216  # bits: behind it 216 bits of the answer's hash

ERR_UNKNOWN: constant(String[32]) = "court: unknown"
ERR_REPEATED: constant(String[32]) = "court: repeated"
ERR_ANSWERED: constant(String[32]) = "court: answered"
ERR_PARENT: constant(String[32]) = "court: parent"
ERR_DEPOSIT: constant(String[32]) = "court: deposit"

_demands: HashMap[bytes32, uint256]
_replicas: HashMap[bytes32, HashMap[uint256, uint256]]  # open u16 | open traces u16 | convicted u1 | wrong u1
_traces: HashMap[bytes32, HashMap[uint256, HashMap[uint256, bytes32]]]
_announcements: HashMap[bytes32, bytes32]
credits: HashMap[address, uint256]


@internal
@pure
def demand_id(demand: ICourt.Demand) -> bytes32:
    """
    @notice Returns the key of a demand.
    @param demand The demand.
    """
    return keccak256(abi_encode(demand))


@internal
@pure
def _answer(nodes: DynArray[bytes32, 32], units: DynArray[uint64, 16], shape: ICourt.Shape) -> uint256:
    return convert(keccak256(abi_encode(nodes, units, shape)), uint256) >> 40


@internal
@view
def counted(batch_id: bytes32, replica: uint256) -> (uint256, uint256):
    """
    @notice Returns how many demands wait for an answer of a replica, and how many of them for a trace.
    @param batch_id The batch.
    @param replica The replica.
    """
    word: uint256 = self._replicas[batch_id][replica]
    return word & U16, (word >> TRACES) & U16


@internal
def open_demand(demand: ICourt.Demand) -> bytes32:
    """
    @notice Registers a demand and returns its key. Errors: "court: repeated".
    @param demand The demand.
    """
    id: bytes32 = self.demand_id(demand)
    assert self._demands[id] == 0, ERR_REPEATED
    self._demands[id] = OPEN
    step: uint256 = 1
    if demand.kind == 2:
        step |= 1 << TRACES
    self._replicas[demand.batch_id][demand.replica] += step
    return id


@internal
@view
def require_open(demand: ICourt.Demand) -> bytes32:
    """
    @notice Returns the key of a demand that waits. Errors: "court: unknown", "court: answered".
    @param demand The demand.
    """
    id: bytes32 = self.demand_id(demand)
    word: uint256 = self._demands[id]
    assert word != 0, ERR_UNKNOWN
    assert word == OPEN, ERR_ANSWERED
    return id


@internal
def answer(
    id: bytes32,
    demand: ICourt.Demand,
    nodes: DynArray[bytes32, 32],
    units: DynArray[uint64, 16],
    shape: ICourt.Shape,
):
    """
    @notice Records an answer.
    @param id Key of the demand.
    @param demand The demand.
    @param nodes What it opened.
    @param units Of a results tree.
    @param shape Of a tensor.
    """
    self._demands[id] = (block.timestamp << ANSWERED_AT) | self._answer(nodes, units, shape)
    log ICourt.Answered(
        batch_id=demand.batch_id,
        provider=demand.provider,
        demand_id=id,
        nodes=nodes,
        units=units,
        shape=shape,
    )
    step: uint256 = 1
    if demand.kind == 2:
        step |= 1 << TRACES
    self._replicas[demand.batch_id][demand.replica] -= step


@internal
@view
def answered_at(parent: ICourt.Parent) -> uint256:
    """
    @notice Returns when a demand was answered with these nodes. Errors: "court: unknown", "court: parent".
    @param parent The demand and what its answer opened.
    """
    word: uint256 = self._demands[self.demand_id(parent.demand)]
    assert word != 0, ERR_UNKNOWN
    assert word > CLOSED, ERR_PARENT
    answered: uint256 = self._answer(parent.nodes, parent.units, parent.shape)
    assert word & (2**ANSWERED_AT - 1) == answered, ERR_PARENT
    return word >> ANSWERED_AT


@internal
def close(id: bytes32):
    """
    @notice Ends a demand for good.
    @param id Its key.
    """
    self._demands[id] = CLOSED


@internal
@view
def is_convicted(batch_id: bytes32, replica: uint256) -> bool:
    """
    @notice Whether this court convicted a replica.
    @param batch_id The batch.
    @param replica The replica.
    """
    return self._replicas[batch_id][replica] & CONVICTED != 0


@internal
@view
def is_wrong(batch_id: bytes32, replica: uint256) -> bool:
    """
    @notice Whether this court convicted a replica of a wrong result.
    @param batch_id The batch.
    @param replica The replica.
    """
    return self._replicas[batch_id][replica] & WRONG != 0


@internal
def mark_convicted(batch_id: bytes32, replica: uint256, wrong: bool):
    """
    @notice Records a conviction.
    @param batch_id The batch.
    @param replica The replica.
    @param wrong Whether of a wrong result (else: a duty was failed).
    """
    mark: uint256 = CONVICTED
    if wrong:
        mark |= WRONG
    self._replicas[batch_id][replica] |= mark


@internal
def put_announcement(digest: bytes32, announced: ICourt.Announcement):
    """
    @notice Registers evidence that was announced. Errors: "court: repeated".
    @param digest Its hash.
    @param announced By whom, against whom, until when.
    """
    assert self._announcements[digest] == empty(bytes32), ERR_REPEATED
    self._announcements[digest] = keccak256(abi_encode(announced))


@internal
def take_announcement(digest: bytes32, announced: ICourt.Announcement):
    """
    @notice Ends an announcement. Errors: "court: unknown".
    @param digest Its hash.
    @param announced As its event published it.
    """
    assert self._announcements[digest] == keccak256(abi_encode(announced)), ERR_UNKNOWN
    self._announcements[digest] = empty(bytes32)


@internal
@payable
def keep(deposit: uint256):
    """
    @notice Keeps a deposit out of the coin that came along and credits the rest. Errors: "court: deposit".
    @param deposit In the native coin.
    """
    assert msg.value >= deposit, ERR_DEPOSIT
    if msg.value > deposit:
        self.credits[msg.sender] += msg.value - deposit

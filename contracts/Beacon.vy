# pragma version ~=0.4.3
"""
@title Public randomness by rounds
@custom:contract-name Beacon
@license GNU Affero General Public License v3.0 only
@notice Documented in IBeacon.
@custom:security Trusts that fewer than a threshold of the key's holders sign a round before it is due, and the precompiles
                 for pairings and powers. Holds no money and has no owner.
@custom:kill Cannot be stopped; a later config version names another beacon.
"""

from .interfaces import IBeacon
from .modules import hash_to_bn254

implements: IBeacon

MAX_GENESIS: constant(uint256) = 2**40
MAX_STEP: constant(uint256) = 86_400
AHEAD_SECONDS: constant(uint256) = 86_400
NO_ROUND: constant(uint256) = 1

PAIRING: constant(address) = 0x0000000000000000000000000000000000000008
PAIRING_GAS: constant(uint256) = 150_000  # a failing precompile keeps all that it is given; 113,000 is its price
G1: constant(uint256[2]) = [1, 2]
MINUS_G1: constant(uint256[2]) = [1, 21888242871839275222246405745257275088696311157297823662689037894645226208581]
# @dev In G2 as in the key: x then y, each with its imaginary part first.
MINUS_G2: constant(uint256[4]) = [
    11559732032986387107991004021392285783925812861821192530917403151452391805634,
    10857046999023057135944570762232829481370756359578518086990519993285655852781,
    17805874995975841540914202342111839520379459829704422454583296818431106115052,
    13392588948715843804641432497768002650278120570034223513918757245338268106653,
]

ERR_SCHEDULE: constant(String[32]) = "beacon: schedule"
ERR_KEY: constant(String[32]) = "beacon: key"
ERR_ROUND: constant(String[32]) = "beacon: round"
ERR_FUTURE: constant(String[32]) = "beacon: future"
ERR_STORED: constant(String[32]) = "beacon: stored"
ERR_POINT: constant(String[32]) = "beacon: point"
ERR_SIGNATURE: constant(String[32]) = "beacon: signature"

SCHEME: public(constant(String[32])) = "bls-bn254-unchained-on-g1"
GENESIS: public(immutable(uint256))
PERIOD_SECONDS: public(immutable(uint256))
DELAY_SECONDS: public(immutable(uint256))
STRIDE: public(immutable(uint256))
KEY: immutable(uint256[4])

randomness: public(HashMap[uint256, bytes32])
_known_until: uint256  # when the newest round came out; NO_ROUND before the first, so that the first costs no more


@deploy
def __init__(key: uint256[4], genesis: uint256, period_seconds: uint256, delay_seconds: uint256, stride: uint256):
    """
    @notice Errors: "beacon: schedule", "beacon: key" (no point of G2, or infinity).
    @param key The public key.
    @param genesis When round 1 came out, seconds, from 2 to 2^40.
    @param period_seconds Between two rounds, from 1 to 86,400.
    @param delay_seconds How far in the future a round that decides lies at least, seconds, from 1 to 86,400.
    @param stride Of how many rounds one counts, from 1 to 86,400.
    """
    assert genesis > NO_ROUND and genesis <= MAX_GENESIS, ERR_SCHEDULE
    assert period_seconds != 0 and period_seconds <= MAX_STEP, ERR_SCHEDULE
    assert delay_seconds != 0 and delay_seconds <= MAX_STEP, ERR_SCHEDULE
    assert stride != 0 and stride <= MAX_STEP, ERR_SCHEDULE
    assert key[0] | key[1] | key[2] | key[3] != 0, ERR_KEY
    is_point: bool = False
    is_one: bool = False
    is_point, is_one = self._pair(G1, key, MINUS_G1, key)
    assert is_point and is_one, ERR_KEY
    KEY = key
    GENESIS = genesis
    PERIOD_SECONDS = period_seconds
    DELAY_SECONDS = delay_seconds
    STRIDE = stride
    self._known_until = NO_ROUND


@external
def submit(round: uint256, signature: uint256[2]) -> bytes32:
    self._check_round(round)
    assert round % STRIDE == 0, ERR_ROUND
    comes_out: uint256 = self._due_at(round)
    assert comes_out <= block.timestamp + AHEAD_SECONDS, ERR_FUTURE
    assert self.randomness[round] == empty(bytes32), ERR_STORED
    value: bytes32 = self._verify(round, signature)
    self.randomness[round] = value
    if comes_out > self._known_until:
        self._known_until = comes_out
    log IBeacon.RoundStored(round=round, randomness=value)
    return value


@external
@view
def verify(round: uint256, signature: uint256[2]) -> bytes32:
    self._check_round(round)
    return self._verify(round, signature)


@external
@view
def due_round() -> uint256:
    # the bounds of schedule and rounds keep all of this below 2^96
    moment: uint256 = unsafe_add(max(block.timestamp, self._known_until), DELAY_SECONDS)
    steps: uint256 = 0
    if moment > GENESIS:
        steps = unsafe_add(unsafe_div(unsafe_sub(unsafe_sub(moment, GENESIS), 1), PERIOD_SECONDS), 1)
    return unsafe_mul(unsafe_add(unsafe_div(steps, STRIDE), 1), STRIDE)


@external
@view
def due_at(round: uint256) -> uint256:
    self._check_round(round)
    return self._due_at(round)


@external
@view
def newest() -> uint256:
    known_until: uint256 = self._known_until
    if known_until == NO_ROUND:
        return 0
    return (known_until - GENESIS) // PERIOD_SECONDS + 1


@external
@view
def key() -> uint256[4]:
    return KEY


@internal
@pure
def _check_round(round: uint256):
    assert round != 0 and round >> 64 == 0, ERR_ROUND


@internal
@view
def _due_at(round: uint256) -> uint256:
    return GENESIS + (round - 1) * PERIOD_SECONDS


@internal
@view
def _verify(round: uint256, signature: uint256[2]) -> bytes32:
    """
    @notice Returns the randomness of a round: e(signature, -G2) e(hash, KEY) must be 1.
    @dev The signature goes to the precompile as it came, which refuses coordinates from P on and points off the curve; the
         curve's cofactor is 1.
    """
    assert signature[0] | signature[1] != 0, ERR_POINT
    is_point: bool = False
    is_one: bool = False
    is_point, is_one = self._pair(signature, MINUS_G2, hash_to_bn254.hash_round(round), KEY)
    assert is_point, ERR_POINT
    assert is_one, ERR_SIGNATURE
    return sha256(abi_encode(signature))


@internal
@view
def _pair(a: uint256[2], b: uint256[4], c: uint256[2], d: uint256[4]) -> (bool, bool):
    """
    @notice Returns whether all four are points of their groups, and whether e(a, b) e(c, d) is 1.
    """
    success: bool = False
    answer: Bytes[32] = b""
    success, answer = raw_call(
        PAIRING,
        abi_encode(a, b, c, d),
        max_outsize=32,
        gas=PAIRING_GAS,
        is_static_call=True,
        revert_on_failure=False,
    )
    if not success or len(answer) != 32:
        return False, False
    return True, convert(answer, uint256) == 1

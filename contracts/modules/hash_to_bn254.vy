# pragma version ~=0.4.3
"""
@title Hashing a beacon's round to a point of BN254
@custom:contract-name hash_to_bn254
@license GNU Affero General Public License v3.0 only
@notice stun/protocol/beacon/hash_to_curve.py: RFC 9380 with expand_message_xmd over keccak256 and the map SVDW, Z = 1.
        One modular exponentiation inverts the denominators of both maps; one more a candidate finds a square root and
        tells a square at once (P = 3 mod 4), and the third candidate's root follows from the first two.
"""

P: constant(uint256) = 21888242871839275222246405745257275088696311157297823662689037894645226208583
ROOT_EXPONENT: constant(uint256) = 5472060717959818805561601436314318772174077789324455915672259473661306552146
INVERSE_EXPONENT: constant(uint256) = P - 2
TWO128: constant(uint256) = 2**128
TWO256: constant(uint256) = 6350874878119819312338956282401532409788428879151445726012394534686998597021  # mod P
C2: constant(uint256) = 10944121435919637611123202872628637544348155578648911831344518947322613104291  # -1/2
C3: constant(uint256) = 8815841940592487685674414971303048083897117035520822607866  # the even root of -12
C4: constant(uint256) = 7296080957279758407415468581752425029565437052432607887563012631548408736189  # -16/3
C5: constant(uint256) = 14592161914559516822667241110698172446397020746023480738590129294670882012714  # -32/(3 C3)
WORD: constant(uint256) = 32

DST: constant(Bytes[44]) = b"BLS_SIG_BN254G1_XMD:KECCAK-256_SVDW_RO_NUL_+"  # "+" is 43, the length
Z32: constant(bytes32) = empty(bytes32)
Z8: constant(bytes8) = empty(bytes8)  # 4 * 32 + 8 = 136 bytes, the rate of keccak256

MODEXP: constant(address) = 0x0000000000000000000000000000000000000005
ERR_MODEXP: constant(String[32]) = "beacon: modexp"


@internal
@view
def hash_round(round: uint256) -> uint256[2]:
    """
    @notice Returns the point that a round's signature is a multiple of.
    @param round Of at most 64 bits.
    """
    return self.map_both(self.hash_to_field(round))


@internal
@pure
def hash_to_field(round: uint256) -> uint256[2]:
    """
    @notice Returns the two field elements of a round.
    @param round Of at most 64 bits.
    """
    message: bytes32 = keccak256(slice(convert(round, bytes32), 24, 8))
    start: bytes32 = keccak256(concat(Z32, Z32, Z32, Z32, Z8, message, x"006000", DST))
    first: bytes32 = keccak256(concat(start, x"01", DST))
    second: bytes32 = keccak256(concat(start ^ first, x"02", DST))
    third: bytes32 = keccak256(concat(start ^ second, x"03", DST))
    middle: uint256 = convert(second, uint256)
    return [
        uint256_addmod(uint256_mulmod(convert(first, uint256), TWO128, P), middle >> 128, P),
        uint256_addmod(uint256_mulmod(middle & (TWO128 - 1), TWO256, P), convert(third, uint256), P),
    ]


@internal
@view
def map_both(elements: uint256[2]) -> uint256[2]:
    """
    @notice Returns the sum of the points of two field elements.
    @param elements Below P.
    """
    square0: uint256 = uint256_mulmod(uint256_mulmod(elements[0], elements[0], P), 4, P)
    square1: uint256 = uint256_mulmod(uint256_mulmod(elements[1], elements[1], P), 4, P)
    denominator0: uint256 = uint256_mulmod(P + 1 - square0, 1 + square0, P)
    denominator1: uint256 = uint256_mulmod(P + 1 - square1, 1 + square1, P)
    product: uint256 = uint256_mulmod(denominator0, denominator1, P)
    inverse: uint256 = self._power(product, INVERSE_EXPONENT)
    inverse0: uint256 = uint256_mulmod(inverse, denominator1, P)
    inverse1: uint256 = uint256_mulmod(inverse, denominator0, P)
    if product == 0:  # of the elements 1/2 and -1/2; the inverse of 0 is 0 here
        inverse0 = self._power(denominator0, INVERSE_EXPONENT)
        inverse1 = self._power(denominator1, INVERSE_EXPONENT)
    return ecadd(self._map(elements[0], square0, inverse0), self._map(elements[1], square1, inverse1))


@internal
@view
def _map(element: uint256, square: uint256, inverse: uint256) -> uint256[2]:
    """
    @notice Returns the point of a field element: of three candidates the first x on the curve, y of the element's parity.
    @dev With s the square, g(x1) g(x2) g(x3) = (32 g(x1) g(x2) t^3 / (3 C3))^2 where t = (1 + s) / (1 - s); the powers
         of the first two are roots of -g(x1) and -g(x2), and so C5 t^3 times both is a root of g(x3). ecadd refuses a
         point that is not on the curve.
    @param element Below P.
    @param square Four times its square.
    @param inverse Of (1 - square) (1 + square).
    """
    offset: uint256 = uint256_mulmod(uint256_mulmod(uint256_mulmod(element, P + 1 - square, P), inverse, P), C3, P)
    x: uint256 = uint256_addmod(C2, P - offset, P)
    right: uint256 = self._right_side(x)
    y: uint256 = self._power(right, ROOT_EXPONENT)
    if uint256_mulmod(y, y, P) != right:
        x = uint256_addmod(C2, offset, P)
        right = self._right_side(x)
        root: uint256 = self._power(right, ROOT_EXPONENT)
        if uint256_mulmod(root, root, P) == right:
            y = root
        else:
            t: uint256 = uint256_mulmod(uint256_mulmod(1 + square, 1 + square, P), inverse, P)
            t2: uint256 = uint256_mulmod(t, t, P)
            x = uint256_addmod(uint256_mulmod(t2, C4, P), 1, P)
            y = uint256_mulmod(uint256_mulmod(y, root, P), uint256_mulmod(uint256_mulmod(t2, t, P), C5, P), P)
    if (y ^ element) & 1 == 1:
        y = P - y
    return [x, y]


@internal
@pure
def _right_side(x: uint256) -> uint256:
    """
    @notice Returns x^3 + 3.
    @param x Below P.
    """
    return uint256_addmod(uint256_mulmod(uint256_mulmod(x, x, P), x, P), 3, P)


@internal
@view
def _power(base: uint256, exponent: uint256) -> uint256:
    """
    @notice Returns base^exponent mod P. Errors: "beacon: modexp" (a chain without the precompile).
    @param base Below P.
    @param exponent Any.
    """
    success: bool = False
    answer: Bytes[32] = b""
    success, answer = raw_call(
        MODEXP,
        abi_encode(WORD, WORD, WORD, base, exponent, P),
        max_outsize=32,
        is_static_call=True,
        revert_on_failure=False,
    )
    assert success and len(answer) == 32, ERR_MODEXP
    return convert(answer, uint256)

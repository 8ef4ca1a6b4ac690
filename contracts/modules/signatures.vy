# pragma version ~=0.4.3
"""
@title Who signed a digest
@custom:contract-name signatures
@license GNU Affero General Public License v3.0 only
@notice secp256k1 with low s, or ERC-1271 for accounts with code.
"""

MAX_LOW_S: constant(uint256) = 57896044618658097711785492504343953926418782139537452191302581570759080747168
ERC1271_MAGIC: constant(bytes4) = 0x1626ba7e
ERC1271_GAS: constant(uint256) = 200_000


@internal
@view
def recover(digest: bytes32, signatures: Bytes[512], place: uint256) -> address:
    """
    @notice Returns who signed, or zero for a missing, malformed or malleable (high s) signature.
    @param digest What was signed.
    @param signatures One or several of r | s | v, 65 bytes each, v 27 or 28.
    @param place Which of them.
    """
    start: uint256 = place * 65
    if len(signatures) < start + 65:
        return empty(address)
    s: uint256 = extract32(signatures, start + 32, output_type=uint256)
    v: uint256 = extract32(signatures, start + 33, output_type=uint256) & 255
    if s > MAX_LOW_S or (v != 27 and v != 28):
        return empty(address)
    return ecrecover(digest, v, extract32(signatures, start, output_type=uint256), s)


@internal
@view
def is_signed_by(account: address, digest: bytes32, signature: Bytes[512]) -> bool:
    """
    @notice Whether the account stands behind the digest: by its key, or as a contract by ERC-1271.
    @param account Not zero.
    @param digest What was signed.
    @param signature Of the key, or whatever the contract asks for.
    """
    if len(signature) == 65 and self.recover(digest, signature, 0) == account:
        return True
    if not account.is_contract:
        return False
    success: bool = False
    answer: Bytes[32] = b""
    success, answer = raw_call(
        account,
        abi_encode(digest, signature, method_id=ERC1271_MAGIC),
        max_outsize=32,
        gas=ERC1271_GAS,
        is_static_call=True,
        revert_on_failure=False,
    )
    return success and len(answer) == 32 and convert(answer, bytes32) == convert(ERC1271_MAGIC, bytes32)

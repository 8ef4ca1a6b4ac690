# pragma version ~=0.4.3
"""
@title Operator keys
@custom:contract-name operators
@license GNU Affero General Public License v3.0 only
@notice An account may name a key that signs its bids, posts and commitments and never moves money.
"""

from . import signatures

operator_of: public(HashMap[address, address])
operator_nonce_of: public(HashMap[address, uint64])


@internal
@view
def may_sign(account: address, signer: address) -> bool:
    """
    @notice Whether a signer stands for an account: the account itself or its operator.
    @param account The account.
    @param signer Who signed; zero for nobody.
    """
    return signer != empty(address) and (signer == account or signer == self.operator_of[account])


@internal
@view
def is_authorised(account: address, digest: bytes32, signatures_: Bytes[195], place: uint256) -> bool:
    """
    @notice Whether an account stands behind a duty: by the caller, or by a signature of itself or its operator.
    @param account The account.
    @param digest What was signed.
    @param signatures_ Signatures, 65 bytes each.
    @param place Which of them.
    """
    if self.may_sign(account, msg.sender):
        return True
    return self.may_sign(account, signatures.recover(digest, signatures_, place))

# pragma version ~=0.4.3
"""
@title Order nonces
@custom:contract-name nonces
@license GNU Affero General Public License v3.0 only
@notice A nonce is week of expires_at u24 | word u32 | bit u8. One storage word holds 256 of them; words of past weeks may
        be deleted, since no order with them can be matched any more.
"""

from . import reasons

WEEK_SECONDS: constant(uint256) = 604_800

used_word: public(HashMap[address, HashMap[uint256, uint256]])


@internal
def use(account: address, nonce: uint64):
    """
    @notice Uses a nonce up. Errors: "nonces: used".
    @param account Whose nonce.
    @param nonce The nonce.
    """
    n: uint256 = convert(nonce, uint256)
    bit: uint256 = 1 << (n & 255)
    word: uint256 = self.used_word[account][n >> 8]
    if not (word & bit == 0):
        reasons.fail(reasons.NONCES_USED)
    self.used_word[account][n >> 8] = word | bit


@internal
def prune(account: address, word: uint256):
    """
    @notice Deletes a word of a past week. Errors: "nonces: week".
    @param account Whose word.
    @param word A nonce shifted right by 8.
    """
    if not (word >> 32 < block.timestamp // WEEK_SECONDS):
        reasons.fail(reasons.NONCES_WEEK)
    self.used_word[account][word] = 0

# pragma version ~=0.4.3
"""
@title Numbers where they lie in the calldata
@custom:contract-name evidence_numbers
@license GNU Affero General Public License v3.0 only
@notice Evidence is read in place: handing kilobytes from one internal function to the next costs more than all that is
        computed from them. A number is the end of the word that ends with it. The head of `is_wrong` stands before any
        evidence, so that word never begins outside the calldata, and nothing behind the evidence is read.
"""


@internal
@view
def number(at: uint256, size: uint256) -> uint256:
    """
    @notice Returns an unsigned number.
    @param at Where it begins; behind the calldata's first 32 bytes.
    @param size Its bytes, at most 32.
    """
    spare: uint256 = unsafe_sub(256, unsafe_mul(8, size))
    return (convert(slice(msg.data, unsafe_sub(unsafe_add(at, size), 32), 32), uint256) << spare) >> spare


@internal
@view
def signed(at: uint256, size: uint256) -> int256:
    """
    @notice Returns a number in two's complement.
    @param at Where it begins; behind the calldata's first 32 bytes.
    @param size Its bytes, at most 32.
    """
    spare: uint256 = unsafe_sub(256, unsafe_mul(8, size))
    return (convert(slice(msg.data, unsafe_sub(unsafe_add(at, size), 32), 32), int256) << spare) >> spare

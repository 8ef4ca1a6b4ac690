# pragma version ~=0.4.3
"""
@title Accounts as addresses and as the protocol's 32 bytes
@custom:contract-name accounts
@license GNU Affero General Public License v3.0 only
@notice An address is left-padded with zeros.
"""


@internal
@pure
def widen(account: address) -> bytes32:
    """
    @notice Returns an address as 32 bytes.
    @param account The address.
    """
    return convert(convert(account, uint256), bytes32)


@internal
@pure
def narrow(account: bytes32) -> address:
    """
    @notice Returns the address of 32 bytes.
    @param account An address that was widened.
    """
    return convert(convert(account, uint160), address)

# pragma version ~=0.4.3
"""
@title A token like USDC
@custom:contract-name Usdc6
@license GNU Affero General Public License v3.0 only
@notice Six decimals and EIP-2612 permits.
@custom:security Test only: anybody mints.
@custom:kill Not deployed on a public network.
"""

from ethereum.ercs import IERC20
from snekmate.tokens.interfaces import IERC20Permit
from snekmate.utils import ecdsa
from snekmate.utils import eip712_domain_separator

from . import mock_ledger as ledger

implements: IERC20
implements: IERC20Permit

initializes: ledger
initializes: eip712_domain_separator

exports: (ledger.approve, ledger.mint, ledger.balanceOf, ledger.allowance, ledger.totalSupply)
exports: eip712_domain_separator.eip712Domain

ERR_EXPIRED: constant(String[32]) = "mock: expired"
ERR_SIGNATURE: constant(String[32]) = "mock: signature"

PERMIT_TYPE_HASH: constant(bytes32) = keccak256(
    "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
)

name: public(constant(String[25])) = "USD Coin"
symbol: public(constant(String[5])) = "USDC"
decimals: public(constant(uint8)) = 6

nonces: public(HashMap[address, uint256])


@deploy
def __init__():
    eip712_domain_separator.__init__("USD Coin", "2")


@external
def transfer(to: address, amount: uint256) -> bool:
    ledger._move(msg.sender, to, amount)
    return True


@external
def transferFrom(owner: address, to: address, amount: uint256) -> bool:
    ledger._spend(owner, msg.sender, amount)
    ledger._move(owner, to, amount)
    return True


@external
def permit(owner: address, spender: address, amount: uint256, deadline: uint256, v: uint8, r: bytes32, s: bytes32):
    assert block.timestamp <= deadline, ERR_EXPIRED
    nonce: uint256 = self.nonces[owner]
    self.nonces[owner] = nonce + 1
    struct_hash: bytes32 = keccak256(abi_encode(PERMIT_TYPE_HASH, owner, spender, amount, nonce, deadline))
    digest: bytes32 = eip712_domain_separator._hash_typed_data_v4(struct_hash)
    signer: address = ecdsa._recover_vrs(
        digest, convert(v, uint256), convert(r, uint256), convert(s, uint256)
    )
    assert signer == owner and owner != empty(address), ERR_SIGNATURE
    ledger._approve(owner, spender, amount)


@external
@view
def DOMAIN_SEPARATOR() -> bytes32:
    return eip712_domain_separator._domain_separator_v4()

# pragma version ~=0.4.3
"""
@title The STUN token
@custom:contract-name StunToken
@license GNU Affero General Public License v3.0 only
@notice ERC-20 with 9 decimals, EIP-2612 permit, burning by the holder and one minter. Every change of a balance goes
        through `_move`, where vote checkpoints find their place.
@custom:security Trusts the owner, who names the minter, and the minter, who may create STUN up to a supply of 64 bits.
                 Nobody can move, freeze or burn what another account holds without its allowance.
@custom:kill Cannot be stopped. Minting ends when the owner names the zero address and gives ownership up.
"""

from ethereum.ercs import IERC20
from ethereum.ercs import IERC20Detailed
from snekmate.auth import ownable
from snekmate.auth import ownable_2step
from snekmate.tokens.interfaces import IERC20Permit
from snekmate.utils import ecdsa
from snekmate.utils import eip712_domain_separator

from .interfaces import IStunToken

implements: IERC20
implements: IERC20Detailed
implements: IERC20Permit
implements: IStunToken

initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: eip712_domain_separator

exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
    ownable_2step.renounce_ownership,
    eip712_domain_separator.eip712Domain,
)

ERR_BALANCE: constant(String[32]) = "token: balance"
ERR_ALLOWANCE: constant(String[32]) = "token: allowance"
ERR_RECEIVER: constant(String[32]) = "token: receiver"
ERR_MINTER: constant(String[32]) = "token: minter"
ERR_SUPPLY: constant(String[32]) = "token: supply"
ERR_EXPIRED: constant(String[32]) = "token: expired"
ERR_SIGNATURE: constant(String[32]) = "token: signature"

PERMIT_TYPE_HASH: constant(bytes32) = keccak256(
    "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
)
INITIAL_SUPPLY: constant(uint256) = 1_000_000_000 * 10**9

name: public(constant(String[25])) = "STUN"
symbol: public(constant(String[5])) = "STUN"
decimals: public(constant(uint8)) = 9

balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])
nonces: public(HashMap[address, uint256])
totalSupply: public(uint256)
minter: public(address)


@deploy
def __init__():
    ownable.__init__()
    ownable_2step.__init__()
    eip712_domain_separator.__init__("STUN", "1")
    self._move(empty(address), msg.sender, INITIAL_SUPPLY)


@external
def transfer(to: address, amount: uint256) -> bool:
    self._send(msg.sender, to, amount)
    return True


@external
def transferFrom(owner: address, to: address, amount: uint256) -> bool:
    allowed: uint256 = self.allowance[owner][msg.sender]
    if allowed != max_value(uint256):
        assert allowed >= amount, ERR_ALLOWANCE
        self._approve(owner, msg.sender, allowed - amount)
    self._send(owner, to, amount)
    return True


@external
def approve(spender: address, amount: uint256) -> bool:
    self._approve(msg.sender, spender, amount)
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
    self._approve(owner, spender, amount)


@external
@view
def DOMAIN_SEPARATOR() -> bytes32:
    return eip712_domain_separator._domain_separator_v4()


@external
def mint(receiver: address, amount: uint256):
    assert msg.sender == self.minter, ERR_MINTER
    assert receiver != empty(address), ERR_RECEIVER
    assert amount <= convert(max_value(uint64), uint256) - self.totalSupply, ERR_SUPPLY
    self._move(empty(address), receiver, amount)


@external
def burn(amount: uint256):
    assert self.balanceOf[msg.sender] >= amount, ERR_BALANCE
    self._move(msg.sender, empty(address), amount)


@external
def set_minter(minter: address):
    ownable._check_owner()
    self._set_minter(minter)


@external
def renounce_minter():
    assert msg.sender == self.minter, ERR_MINTER
    self._set_minter(empty(address))


@internal
def _send(owner: address, to: address, amount: uint256):
    assert to != empty(address), ERR_RECEIVER
    assert self.balanceOf[owner] >= amount, ERR_BALANCE
    self._move(owner, to, amount)


@internal
def _move(origin: address, to: address, amount: uint256):
    """
    @notice Changes the balances: the only place that does. The zero address creates and destroys.
    """
    if origin == empty(address):
        self.totalSupply += amount
    else:
        self.balanceOf[origin] -= amount
    if to == empty(address):
        self.totalSupply -= amount
    else:
        self.balanceOf[to] += amount
    log IERC20.Transfer(sender=origin, receiver=to, value=amount)


@internal
def _approve(owner: address, spender: address, amount: uint256):
    self.allowance[owner][spender] = amount
    log IERC20.Approval(owner=owner, spender=spender, value=amount)


@internal
def _set_minter(minter: address):
    old_minter: address = self.minter
    self.minter = minter
    log IStunToken.MinterSet(old_minter=old_minter, new_minter=minter)

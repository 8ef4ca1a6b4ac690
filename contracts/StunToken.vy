# pragma version ~=0.4.3
"""
@title The STUN token
@custom:contract-name StunToken
@license GNU Affero General Public License v3.0 only
@notice ERC-20 with 9 decimals, EIP-2612 permit, ERC-5805 votes on timestamps, burning by the holder and one minter.
        Balance and delegate of an account share a slot, so that who does not delegate pays nothing for votes.
@custom:security Trusts the owner, who names minter, bridge and, once, the custodian; the minter, who may create STUN up
                 to a supply of 64 bits; and the custodian with what accounts gave it. Nobody can move, freeze or burn
                 what another account holds without its allowance, nor take the votes of one that has delegated.
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
from .interfaces import IVotes
from .modules import timestamp_clock
from .modules import vote_traces
from .modules import voting_balances as balances

implements: IERC20
implements: IERC20Detailed
implements: IERC20Permit
implements: IStunToken
implements: IVotes

initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: eip712_domain_separator
initializes: vote_traces
initializes: balances[vote_traces := vote_traces]

exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
    ownable_2step.renounce_ownership,
    eip712_domain_separator.eip712Domain,
    balances.balanceOf,
    balances.totalSupply,
    balances.delegates,
    timestamp_clock.clock,
    timestamp_clock.CLOCK_MODE,
)

ERR_ALLOWANCE: constant(String[32]) = "token: allowance"
ERR_RECEIVER: constant(String[32]) = "token: receiver"
ERR_MINTER: constant(String[32]) = "token: minter"
ERR_SUPPLY: constant(String[32]) = "token: supply"
ERR_EXPIRED: constant(String[32]) = "token: expired"
ERR_SIGNATURE: constant(String[32]) = "token: signature"
ERR_CUSTODIAN: constant(String[32]) = "token: custodian"
ERR_HELD: constant(String[32]) = "token: held"
ERR_VOTES_FUTURE: constant(String[32]) = "votes: future"
ERR_VOTES_NONCE: constant(String[32]) = "votes: nonce"
ERR_VOTES_EXPIRED: constant(String[32]) = "votes: expired"

PERMIT_TYPE_HASH: constant(bytes32) = keccak256(
    "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
)
DELEGATION_TYPE_HASH: constant(bytes32) = keccak256("Delegation(address delegatee,uint256 nonce,uint256 expiry)")
INITIAL_SUPPLY: constant(uint256) = 1_000_000_000 * 10**9

name: public(constant(String[25])) = "STUN"
symbol: public(constant(String[5])) = "STUN"
decimals: public(constant(uint8)) = 9

allowance: public(HashMap[address, HashMap[address, uint256]])
nonces: public(HashMap[address, uint256])
minter: public(address)
custodian: public(address)
bridge: public(address)


@deploy
def __init__():
    ownable.__init__()
    ownable_2step.__init__()
    eip712_domain_separator.__init__("STUN", "1")
    balances.move(empty(address), msg.sender, INITIAL_SUPPLY)


@external
def transfer(to: address, amount: uint256) -> bool:
    self._send(msg.sender, to, amount)
    return True


@external
def transferFrom(owner: address, to: address, amount: uint256) -> bool:
    self._spend(owner, amount)
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
    assert amount <= convert(max_value(uint64), uint256) - balances.totalSupply, ERR_SUPPLY
    balances.move(empty(address), receiver, amount)


@external
def burn(amount: uint256):
    balances.move(msg.sender, empty(address), amount)


@external
def set_minter(minter: address):
    ownable._check_owner()
    self._set_minter(minter)


@external
def renounce_minter():
    assert msg.sender == self.minter, ERR_MINTER
    self._set_minter(empty(address))


# votes


@external
@view
def getVotes(account: address) -> uint256:
    return vote_traces.latest(account)


@external
@view
def getPastVotes(account: address, timepoint: uint256) -> uint256:
    assert timepoint < block.timestamp, ERR_VOTES_FUTURE
    return 0 if account == empty(address) else vote_traces.past(account, timepoint)


@external
@view
def getPastTotalSupply(timepoint: uint256) -> uint256:
    assert timepoint < block.timestamp, ERR_VOTES_FUTURE
    return vote_traces.past(empty(address), timepoint)


@external
def delegate(delegatee: address):
    balances.name_delegate(msg.sender, delegatee)


@external
def delegateBySig(delegatee: address, nonce: uint256, expiry: uint256, v: uint8, r: bytes32, s: bytes32):
    assert block.timestamp <= expiry, ERR_VOTES_EXPIRED
    struct_hash: bytes32 = keccak256(abi_encode(DELEGATION_TYPE_HASH, delegatee, nonce, expiry))
    digest: bytes32 = eip712_domain_separator._hash_typed_data_v4(struct_hash)
    signer: address = ecdsa._recover_vrs(digest, convert(v, uint256), convert(r, uint256), convert(s, uint256))
    assert self.nonces[signer] == nonce, ERR_VOTES_NONCE
    self.nonces[signer] = nonce + 1
    balances.name_delegate(signer, delegatee)


# custody


@external
def set_custodian(custodian: address):
    ownable._check_owner()
    assert self.custodian == empty(address), ERR_CUSTODIAN
    balances.mark_custodian(custodian)
    self.custodian = custodian
    log IStunToken.CustodianSet(custodian=custodian)


@external
def set_bridge(bridge: address):
    ownable._check_owner()
    old_bridge: address = self.bridge
    if old_bridge != empty(address):
        balances.unmark_bridge(old_bridge)
    if bridge != empty(address):
        balances.mark_bridge(bridge)
    self.bridge = bridge
    log IStunToken.BridgeSet(old_bridge=old_bridge, new_bridge=bridge)


@external
def hold(account: address, amount: uint256):
    assert balances.is_custodian(msg.sender), ERR_CUSTODIAN
    self._spend(account, amount)
    self._set_held(account, vote_traces.held(account) + amount)
    named: address = balances.named_by(account)
    balances.move_balance(account, msg.sender, amount, False)
    balances.move_votes(named, balances.voter(account, named), amount)


@external
def release(account: address, to: address, amount: uint256):
    assert balances.is_custodian(msg.sender), ERR_CUSTODIAN
    assert to != empty(address) and to != msg.sender, ERR_RECEIVER
    self._leave_custody(account, to, amount)


@external
def burn_held(account: address, amount: uint256):
    assert balances.is_custodian(msg.sender), ERR_CUSTODIAN
    self._leave_custody(account, empty(address), amount)


@external
@view
def held_of(account: address) -> uint256:
    return vote_traces.held(account)


@internal
def _leave_custody(account: address, to: address, amount: uint256):
    """
    @notice Takes STUN out of an account's custody, to a receiver or to nobody, and its votes with it.
    """
    held: uint256 = vote_traces.held(account)
    assert held >= amount, ERR_HELD
    self._set_held(account, held - amount)
    named: address = balances.named_by(account)
    receiver: address = balances.move_balance(msg.sender, to, amount, True)[1]
    balances.move_votes(balances.voter(account, named), receiver, amount)


@internal
def _set_held(account: address, amount: uint256):
    log IStunToken.HeldChanged(account=account, old_held=vote_traces.held(account), new_held=amount)
    vote_traces.set_held(account, amount)


@internal
def _spend(owner: address, amount: uint256):
    allowed: uint256 = self.allowance[owner][msg.sender]
    if allowed != max_value(uint256):
        assert allowed >= amount, ERR_ALLOWANCE
        self._approve(owner, msg.sender, allowed - amount)


@internal
def _send(owner: address, to: address, amount: uint256):
    assert to != empty(address), ERR_RECEIVER
    balances.move(owner, to, amount)


@internal
def _approve(owner: address, spender: address, amount: uint256):
    self.allowance[owner][spender] = amount
    log IERC20.Approval(owner=owner, spender=spender, value=amount)


@internal
def _set_minter(minter: address):
    old_minter: address = self.minter
    self.minter = minter
    log IStunToken.MinterSet(old_minter=old_minter, new_minter=minter)

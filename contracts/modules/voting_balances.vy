# pragma version ~=0.4.3
"""
@title Balances that vote
@custom:contract-name voting_balances
@license GNU Affero General Public License v3.0 only
@notice Balance, delegate and mark of an account in one slot, the supply, and the votes that move with every balance.
        What the custodian holds for an account votes for the account's delegate, or for the account itself.
"""

from ethereum.ercs import IERC20

from ..interfaces import IVotes
from . import vote_traces

uses: vote_traces

ERR_VOTES_KEEPER: constant(String[32]) = "votes: keeper"
ERR_KEEPER: constant(String[32]) = "token: keeper"
ERR_BALANCE: constant(String[32]) = "token: balance"
ERR_CUSTODIAN: constant(String[32]) = "token: custodian"

U64: constant(uint256) = 2**64 - 1
U160: constant(uint256) = 2**160 - 1
DELEGATE_SHIFT: constant(uint256) = 64
KEEPER_SHIFT: constant(uint256) = 224
IS_CUSTODIAN: constant(uint256) = 1
IS_BRIDGE: constant(uint256) = 2

totalSupply: public(uint256)
_accounts: HashMap[address, uint256]  # balance u64 | delegate u160 | keeper u2, from the least significant bit


@external
@view
def balanceOf(account: address) -> uint256:
    return self.amount_of(account)


@external
@view
def delegates(account: address) -> address:
    return self.named_by(account)


@internal
@view
def amount_of(account: address) -> uint256:
    """
    @notice Returns a balance.
    @param account Whose.
    """
    return self._accounts[account] & U64


@internal
@view
def named_by(account: address) -> address:
    """
    @notice Returns the delegate of an account, zero if it named nobody.
    @param account The account.
    """
    return self._delegate_of(self._accounts[account])


@internal
@view
def is_custodian(account: address) -> bool:
    """
    @notice Whether an account is marked as the custodian.
    @param account The account.
    """
    return self._accounts[account] >> KEEPER_SHIFT == IS_CUSTODIAN


@internal
def mark_custodian(account: address):
    """
    @notice Marks the custodian.
    @param account See `_mark`.
    """
    self._mark(account, IS_CUSTODIAN)


@internal
def mark_bridge(account: address):
    """
    @notice Marks the bridge, and takes what it holds out of the supply that may vote.
    @param account See `_mark`.
    """
    self._mark(account, IS_BRIDGE)
    vote_traces.change(empty(address), 0, self.amount_of(account))


@internal
def unmark_bridge(account: address):
    """
    @notice Takes the mark away, and counts what the account holds again.
    @param account The bridge.
    """
    self._accounts[account] &= 2**KEEPER_SHIFT - 1
    vote_traces.change(empty(address), self.amount_of(account), 0)


@internal
def move(origin: address, to: address, amount: uint256):
    """
    @notice Moves STUN and the votes that go with it. The zero address creates and destroys.
    """
    giver: address = empty(address)
    receiver: address = empty(address)
    giver, receiver = self.move_balance(origin, to, amount, False)
    self.move_votes(giver, receiver, amount)


@internal
def move_balance(origin: address, to: address, amount: uint256, released: bool) -> (address, address):
    """
    @notice Changes the balances: the only place that does.
    @param origin Who gives, at least `amount`; the zero address creates.
    @param to Who gets; the zero address destroys.
    @param amount STUN, 9 decimals.
    @param released Whether the custodian gives what it held for somebody; else it gives nothing.
    @return The two accounts' delegates.
    """
    origin_word: uint256 = 0
    to_word: uint256 = 0
    if origin == empty(address):
        self.totalSupply += amount
    else:
        origin_word = self._accounts[origin]
        assert origin_word & U64 >= amount, ERR_BALANCE
        assert released or origin_word >> KEEPER_SHIFT != IS_CUSTODIAN, ERR_CUSTODIAN
        self._accounts[origin] = origin_word - amount
    if to == empty(address):
        self.totalSupply -= amount
    else:
        to_word = self._accounts[to]
        self._accounts[to] = to_word + amount
    was_counted: bool = origin != empty(address) and origin_word >> KEEPER_SHIFT != IS_BRIDGE
    is_counted: bool = to != empty(address) and to_word >> KEEPER_SHIFT != IS_BRIDGE
    if was_counted and not is_counted:
        vote_traces.change(empty(address), 0, amount)
    if is_counted and not was_counted:
        vote_traces.change(empty(address), amount, 0)
    log IERC20.Transfer(sender=origin, receiver=to, value=amount)
    return self._delegate_of(origin_word), self._delegate_of(to_word)


@internal
def name_delegate(account: address, delegatee: address):
    word: uint256 = self._accounts[account]
    assert word >> KEEPER_SHIFT == 0, ERR_VOTES_KEEPER
    old: address = self._delegate_of(word)
    self._accounts[account] = (word & U64) | (convert(delegatee, uint256) << DELEGATE_SHIFT)
    log IVotes.DelegateChanged(delegator=account, fromDelegate=old, toDelegate=delegatee)
    self.move_votes(old, delegatee, word & U64)
    self.move_votes(self.voter(account, old), self.voter(account, delegatee), vote_traces.held(account))


@internal
def move_votes(origin: address, to: address, amount: uint256):
    if origin == to or amount == 0:
        return
    before: uint256 = 0
    after: uint256 = 0
    if origin != empty(address):
        before, after = vote_traces.change(origin, 0, amount)
        log IVotes.DelegateVotesChanged(delegate=origin, previousVotes=before, newVotes=after)
    if to != empty(address):
        before, after = vote_traces.change(to, amount, 0)
        log IVotes.DelegateVotesChanged(delegate=to, previousVotes=before, newVotes=after)


@internal
@pure
def _delegate_of(word: uint256) -> address:
    return convert((word >> DELEGATE_SHIFT) & U160, address)


@internal
@pure
def voter(account: address, named: address) -> address:
    """
    @notice Returns who votes with what an account has in custody: its delegate, or itself.
    """
    return account if named == empty(address) else named


@internal
def _mark(keeper: address, kind: uint256):
    """
    @notice Marks a contract that keeps STUN for others. It must not be one already, nor vote: nobody is silenced.
    """
    word: uint256 = self._accounts[keeper]
    assert keeper.is_contract and word >> DELEGATE_SHIFT == 0, ERR_KEEPER
    self._accounts[keeper] = word | (kind << KEEPER_SHIFT)

# pragma version ~=0.4.3
"""
@title Ledger of the mock tokens
@custom:contract-name mock_ledger
@license GNU Affero General Public License v3.0 only
@notice Balances and allowances that the mock tokens share. Test only: anybody mints.
"""

from ethereum.ercs import IERC20

ERR_BALANCE: constant(String[32]) = "mock: balance"
ERR_ALLOWANCE: constant(String[32]) = "mock: allowance"

balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])
totalSupply: public(uint256)


@external
def approve(spender: address, amount: uint256) -> bool:
    """
    @notice Allows a spender.
    @param spender The account allowed.
    @param amount The amount, in the smallest unit.
    """
    self._approve(msg.sender, spender, amount)
    return True


@external
def mint(receiver: address, amount: uint256):
    """
    @notice Creates tokens for anybody.
    @param receiver The account credited.
    @param amount The amount, in the smallest unit.
    """
    self.totalSupply += amount
    self.balanceOf[receiver] += amount
    log IERC20.Transfer(sender=empty(address), receiver=receiver, value=amount)


@internal
def _approve(owner: address, spender: address, amount: uint256):
    self.allowance[owner][spender] = amount
    log IERC20.Approval(owner=owner, spender=spender, value=amount)


@internal
def _spend(owner: address, spender: address, amount: uint256):
    """
    @notice Takes from an allowance.
    """
    allowed: uint256 = self.allowance[owner][spender]
    assert allowed >= amount, ERR_ALLOWANCE
    self.allowance[owner][spender] = allowed - amount


@internal
def _move(owner: address, to: address, amount: uint256):
    """
    @notice Moves a balance.
    """
    assert self.balanceOf[owner] >= amount, ERR_BALANCE
    self.balanceOf[owner] -= amount
    self.balanceOf[to] += amount
    log IERC20.Transfer(sender=owner, receiver=to, value=amount)


@internal
def _destroy(owner: address, amount: uint256):
    """
    @notice Destroys a part of a balance.
    """
    self.balanceOf[owner] -= amount
    self.totalSupply -= amount
    log IERC20.Transfer(sender=owner, receiver=empty(address), value=amount)

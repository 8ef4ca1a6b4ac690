# pragma version ~=0.4.3
"""
@title A token that calls back
@custom:contract-name ReentrantToken
@license GNU Affero General Public License v3.0 only
@notice Once armed, the next transfer calls a target in its middle, after the balances moved, and remembers the answer.
@custom:security Test only: anybody mints, and arms it.
@custom:kill Not deployed on a public network.
"""

from ethereum.ercs import IERC20

from . import mock_ledger as ledger

implements: IERC20

initializes: ledger

exports: (ledger.approve, ledger.mint, ledger.balanceOf, ledger.allowance, ledger.totalSupply)

MAX_PAYLOAD: constant(uint256) = 4_096
MAX_ANSWER: constant(uint256) = 256

decimals: public(constant(uint8)) = 6

target: public(address)
payload: public(Bytes[MAX_PAYLOAD])
calls: public(uint256)
has_succeeded: public(bool)
answer: public(Bytes[MAX_ANSWER])


@external
def arm(target: address, payload: Bytes[MAX_PAYLOAD]):
    """
    @notice Makes the next transfer call a target, as this contract. A failure of the call does not fail the transfer:
            `has_succeeded` and `answer` (result or revert data) tell what happened, `calls` how often.
    @param target The contract to call.
    @param payload The call data.
    """
    self.target = target
    self.payload = payload


@external
def transfer(to: address, amount: uint256) -> bool:
    ledger._move(msg.sender, to, amount)
    self._call_back()
    return True


@external
def transferFrom(owner: address, to: address, amount: uint256) -> bool:
    ledger._spend(owner, msg.sender, amount)
    ledger._move(owner, to, amount)
    self._call_back()
    return True


@internal
def _call_back():
    target: address = self.target
    if target == empty(address):
        return
    self.target = empty(address)
    self.calls += 1
    self.has_succeeded, self.answer = raw_call(
        target, self.payload, max_outsize=MAX_ANSWER, revert_on_failure=False
    )

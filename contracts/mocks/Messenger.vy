# pragma version ~=0.4.3
"""
@title A contract that calls whatever it is told to
@custom:contract-name Messenger
@license GNU Affero General Public License v3.0 only
@notice Acts as a bridge, a wallet or a target with code of its own.
@custom:security Test only: anybody makes it call anything.
@custom:kill Not deployed on a public network.
"""


@external
@payable
def forward(target: address, data: Bytes[4_096]):
    """
    @notice Calls, and passes a refusal on.
    @param target The contract called.
    @param data The calldata.
    """
    raw_call(target, data, value=msg.value)

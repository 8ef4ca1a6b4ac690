"""Deposits, withdrawals, operator keys and cancelled orders."""

from stun.protocol import config
from stun.protocol.errors import require
from stun.protocol.market.actions import CancelOrder, Deposit, FundAudit, SetOperator, Withdraw
from stun.protocol.market.draft import Draft
from stun.protocol.messages import NOBODY
from stun.protocol.money import amount


def deposit(draft: Draft, action: Deposit) -> None:
    """Credit the measured balance change. Errors: "ledger: asset", "ledger: nobody", "ledger: nothing"."""
    require(config.is_listed(draft.market.config, action.asset), "ledger: asset")
    require(action.beneficiary != NOBODY, "ledger: nobody")
    require(action.received > 0, "ledger: nothing")
    amount(action.received)
    draft.held[action.asset] = draft.held.get(action.asset, 0) + action.received
    draft.credit(action.asset, action.beneficiary, action.received)
    draft.emit(
        "Deposited",
        asset=action.asset,
        account=action.beneficiary,
        sender=action.sender,
        amount=action.received,
    )


def withdraw(draft: Draft, action: Withdraw) -> None:
    """Pay free balance out; open to everybody at all times. Errors: "ledger: nobody", "ledger: nothing", balance."""
    require(action.to != NOBODY, "ledger: nobody")
    require(action.amount > 0, "ledger: nothing")
    draft.debit(action.asset, action.sender, action.amount)
    draft.held[action.asset] = draft.held.get(action.asset, 0) - action.amount
    draft.emit("Withdrawn", asset=action.asset, account=action.sender, to=action.to, amount=action.amount)


def fund_audit(draft: Draft, action: FundAudit) -> None:
    """Give free balance to the audit account, which pays drawn audits. Errors: "ledger: nothing", "ledger: balance"."""
    require(action.amount > 0, "ledger: nothing")
    draft.debit(action.asset, action.sender, action.amount)
    draft.change_audit(action.asset, action.sender, action.amount)


def set_operator(draft: Draft, action: SetOperator) -> None:
    """Name an account's operator key (NOBODY takes it back).

    Errors: "operators: signature", "operators: expired", "operators: nonce" (of a signed message; a call of the
    account itself needs neither and uses up the nonce all the same).
    """
    message = action.message
    nonce = draft.operator_nonces.get(message.account, 0)
    if action.sender != message.account:
        require(action.signer == message.account, "operators: signature")
        require(draft.now < message.expires_at, "operators: expired")
        require(message.nonce == nonce, "operators: nonce")
    old = draft.operators.get(message.account, NOBODY)
    draft.operator_nonces[message.account] = nonce + 1
    draft.operators[message.account] = message.operator
    draft.emit("OperatorSet", account=message.account, old=old, new=message.operator)


def cancel_order(draft: Draft, action: CancelOrder) -> None:
    """Use up a nonce of the sender. Errors: "nonces: used"."""
    require((action.sender, action.nonce) not in draft.nonces, "nonces: used")
    draft.nonces.add((action.sender, action.nonce))
    draft.emit("OrderCancelled", requester=action.sender, nonce=action.nonce)

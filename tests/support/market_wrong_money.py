"""Wrong actions about money, operator keys and nonces: one method for each code."""

from dataclasses import replace

from market_seeker import Seeker

from stun.protocol.market import actions
from stun.protocol.messages import NOBODY, Operator


class MoneyWrongs(Seeker):
    """Deposits, withdrawals, operator keys and cancelled orders that a rule refuses."""

    def ledger_asset(self) -> actions.Action:
        return actions.Deposit(self.party(), self.party(), 1, self.party())

    def ledger_nobody(self) -> actions.Action:
        asset = self.rng.choice(self.world.assets)
        if self.rng.random() < 0.5:
            return actions.Deposit(self.party(), asset, 1, NOBODY)
        return actions.Withdraw(self.party(), asset, 1, NOBODY)

    def ledger_nothing(self) -> actions.Action:
        asset = self.rng.choice(self.world.assets)
        if self.rng.random() < 0.5:
            return actions.Deposit(self.party(), asset, 0, self.party())
        if self.rng.random() < 0.3:
            return actions.FundAudit(self.party(), asset, 0)
        return actions.Withdraw(self.party(), asset, 0, self.party())

    def ledger_balance(self) -> actions.Action:
        asset, party = self.rng.choice(self.world.assets), self.party()
        free = self.world.market.balances.get((asset, party), 0)
        if self.rng.random() < 0.3:
            return actions.FundAudit(party, asset, free + self.rng.choice((1, 2**64)))
        return actions.Withdraw(party, asset, free + self.rng.choice((1, 2**64)), party)

    def money_range(self) -> actions.Action:
        rich = self.world.people.requesters[0]
        return actions.Deposit(rich, self.world.deployed.usdc, 2**64 + self.rng.choice((0, 1)), rich)

    def operators_signature(self) -> actions.Action:
        message = self._operator()
        signer = self.rng.choice((None, None, self.world.people.stranger, message.operator))
        if self.rng.random() < 0.1:
            message = replace(message, account=NOBODY)
        return actions.SetOperator(self.world.people.stranger, message, signer)

    def operators_expired(self) -> actions.Action:
        message = replace(self._operator(), expires_at=self.world.now - self.rng.choice((0, 1)))
        return actions.SetOperator(self.world.people.stranger, message, message.account)

    def operators_nonce(self) -> actions.Action:
        message = self._operator()
        message = replace(message, nonce=message.nonce + self.rng.choice((1, 2**32)))
        return actions.SetOperator(self.world.people.stranger, message, message.account)

    def nonces_used(self) -> actions.Action | None:
        used = sorted(self.world.market.nonces)
        return actions.CancelOrder(*self.rng.choice(used)) if used else None

    def _operator(self) -> Operator:
        account = self.rng.choice(self.world.people.providers)
        nonce = self.world.market.operator_nonces.get(account, 0)
        return Operator(account, self.rng.choice(self.world.people.operators), nonce, self.world.now + 60)

"""The money of one account: in the wallet, free in the market, and how it moves between them."""

import secrets

from stun.chains.market import MarketWriter
from stun_sdk.errors import FundsMissing, KeyMissing, SettingsInvalid
from stun_sdk.network import Connection, parse_account


class Accounts:
    """Balances and moves. Amounts in the asset's smallest unit (STUN 10^-9, USDC 10^-6); None is the default asset."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def asset(self, name: str | None = None) -> bytes:
        """An asset by name or address, 32 bytes. Errors: SettingsInvalid."""
        wanted = name or self._connection.settings.asset
        if wanted.startswith("0x"):
            return parse_account(wanted, "asset")
        known = self._connection.assets
        if wanted.upper() not in known:
            raise SettingsInvalid(f"asset {wanted!r} is none of {', '.join(known)}; give its address, or set usdc")
        return known[wanted.upper()]

    def name_of(self, asset: bytes) -> str:
        """The asset's name, its address if it has none here."""
        names = {value: name for name, value in self._connection.assets.items()}
        return names.get(asset, "0x" + asset[-20:].hex())

    def balance(self, asset: str | None = None) -> int:
        """Free balance in the market. Errors: KeyMissing, ChainError."""
        return self._connection.market.balance(self.asset(asset), self._writer("a balance").account)

    def wallet(self, asset: str | None = None) -> int:
        """Tokens outside the market. Errors: KeyMissing, ChainError."""
        return self._connection.market.wallet_balance(self.asset(asset), self._writer("a balance").account)

    def deposit(self, amount: int, asset: str | None = None) -> int:
        """Move tokens into the market; return the new balance. Errors: KeyMissing, FundsMissing, Rejected."""
        writer = self._writer("a deposit")
        wallet = self.wallet(asset)
        if amount > wallet:
            raise FundsMissing(self.name_of(self.asset(asset)), amount, 0, wallet, True)
        intent = writer.deposit(_key("deposit"), self.asset(asset), amount, writer.account)
        writer.wait(intent, self._seconds)
        return self.balance(asset)

    def withdraw(self, amount: int, asset: str | None = None, to: str | None = None) -> int:
        """Move free balance out; return what is left. Errors: KeyMissing, Rejected ("ledger: balance" ...)."""
        writer = self._writer("a withdrawal")
        target = writer.account if to is None else parse_account(to, "to")
        writer.wait(writer.withdraw(_key("withdraw"), self.asset(asset), amount, target), self._seconds)
        return self.balance(asset)

    def fund(self, asset: bytes, needed: int, key: str) -> None:
        """See that so much is free in the market. Errors: KeyMissing, FundsMissing, Rejected, ChainError."""
        writer = self._writer("ordering")
        free = self._connection.market.balance(asset, writer.account)
        if free >= needed:
            return
        wallet = self._connection.market.wallet_balance(asset, writer.account)
        automatic = self._connection.settings.auto_deposit
        if not automatic or wallet < needed - free:
            raise FundsMissing(self.name_of(asset), needed, free, wallet, automatic)
        writer.wait(writer.deposit(key, asset, needed - free, writer.account), self._seconds)

    @property
    def _seconds(self) -> float:
        return self._connection.settings.timeout_seconds

    def _writer(self, act: str) -> MarketWriter:
        if self._connection.writer is None:
            raise KeyMissing(act)
        return self._connection.writer


def _key(act: str) -> str:
    """A key of its own for each act: a person who asks twice wants it twice."""
    return f"{act}:{secrets.token_hex(12)}"

"""Reading what decisions need of the chain, each thing at most once in a while; right before an act, afresh."""

from collections.abc import Iterable

from keepers.jobs.memory import Remembered
from keepers.services.facts import ChainFacts
from stun.chains.market import MarketReader, ModelRecord, Rules

FOREVER = 2**40
USED_SECONDS = 300  # a used nonce comes free only by a reorganisation


class FactBook:
    """Facts of one market. `seconds`: how old a fact may be when deciding; a model's record lives as long."""

    def __init__(self, reader: MarketReader, seconds: int = 10) -> None:
        self._reader = reader
        self._rules: Remembered[bytes, Rules] = Remembered(reader.rules, seconds)
        self._models: Remembered[bytes, ModelRecord | None] = Remembered(reader.model, seconds)
        self._stakes: Remembered[bytes, int] = Remembered(reader.stake, seconds)
        self._reputations: Remembered[bytes, int] = Remembered(reader.reputation, seconds)
        self._operators: Remembered[bytes, bytes] = Remembered(reader.operator, seconds)
        self._balances: Remembered[tuple[bytes, bytes], int] = Remembered(lambda key: reader.balance(*key), seconds)
        self._nonces: Remembered[tuple[bytes, int], bool] = Remembered(
            lambda key: reader.nonce_used(*key), seconds, lasting=lambda used: USED_SECONDS if used else seconds
        )
        self._signers: Remembered[tuple[bytes, bytes, bytes], bool] = Remembered(
            lambda key: reader.is_signed_by(*key), FOREVER
        )

    def is_signed_by(self, account: bytes, digest: bytes, signature: bytes, now: int) -> bool:
        """Whether the account signed; remembered, since a signature does not change."""
        return self._signers.get((account, digest, signature), now)

    def duty_signer(self, provider: bytes, digest: bytes, signature: bytes, now: int) -> bytes | None:
        """The provider or its operator, whichever signed; None if neither did."""
        if self.is_signed_by(provider, digest, signature, now):
            return provider
        operator = self.operator(provider, now)
        if any(operator) and self.is_signed_by(operator, digest, signature, now):
            return operator
        return None

    def operator(self, account: bytes, now: int) -> bytes:
        """An account's operator key, zeros if none."""
        return self._operators.get(account, now)

    def reputation(self, account: bytes, now: int) -> int:
        """An account's reputation."""
        return self._reputations.get(account, now)

    def stake(self, account: bytes, now: int) -> int:
        """An account's active stake."""
        return self._stakes.get(account, now)

    def snapshot(
        self,
        nonces: Iterable[tuple[bytes, int]],
        models: Iterable[bytes],
        balances: Iterable[tuple[bytes, bytes]],
        providers: Iterable[bytes],
        now: int,
    ) -> ChainFacts:
        """Return the facts about (requester, nonce), models, (asset, account) and providers. Errors: ChainError."""
        wanted, bidders = list(balances), list(providers)
        records = {model_id: self._models.get(model_id, now) for model_id in models}
        return ChainFacts(
            domain=self._reader.domain,
            stun=self._reader.stun,
            rules={asset: self._rules.get(asset, now) for asset in {asset for asset, _ in wanted}},
            models={model_id: record for model_id, record in records.items() if record is not None},
            balances={key: self._balances.get(key, now) for key in wanted},
            stakes={account: self._stakes.get(account, now) for account in bidders},
            reputations={account: self._reputations.get(account, now) for account in bidders},
            operators={account: self._operators.get(account, now) for account in bidders},
            used_nonces=frozenset(key for key in nonces if self._nonces.get(key, now)),
        )

    def forget_money(self, asset: bytes, accounts: Iterable[bytes], nonce: tuple[bytes, int]) -> None:
        """Read balances, stakes and operators of these accounts, and this nonce, afresh next time."""
        for account in accounts:
            self._balances.forget((asset, account))
            self._stakes.forget(account)
            self._operators.forget(account)
        self._nonces.forget(nonce)
        self._rules.forget(asset)

"""What stands in for a sender where nothing is to be sent: each act is simulated where that is possible, and told."""

from collections.abc import Sequence
from typing import Any

from stun.chains.evm.dry_run import DryRun, never_sent
from stun.chains.evm.errors import Reverted
from stun.chains.evm.rpc import ChainReader
from stun.chains.interface import Intent, IntentState

NOBODY = bytes(20)


class Rehearsal:
    """Implements TransactionSender without a key; `told` is what would be sent, in order.

    Only the first act is simulated: those behind it need it to have happened. Without an account nothing is simulated.
    """

    def __init__(self, account: bytes, reader: ChainReader) -> None:
        self._account = account
        self._run = DryRun(account, reader, lambda _: None)
        self._reader = reader
        self.told: list[dict[str, Any]] = []

    @property
    def account(self) -> bytes:
        """The address that would act."""
        return self._account

    def submit(self, key: str, to: bytes | None, data: bytes, value: int = 0) -> Intent:
        """Tell, and simulate what can be simulated. Errors: ChainError."""
        simulate = self._account != NOBODY and not self.told
        outcome = "not simulated"
        block = self._reader.view().block
        intent = never_sent(self._reader.chain_id, self._account, block, key, to, data, value)
        if simulate:
            try:
                intent = self._run.submit(key, to, data, value)
                outcome = "ok"
            except Reverted as error:
                outcome = f"refused: {error.reason}"
        where = None if to is None else "0x" + to.hex()
        act = "approve" if key.endswith(":approve") else key.split(":")[0]
        self.told.append({"act": act, "to": where, "bytes": len(data), "value": str(value), "simulation": outcome})
        return intent

    def tick(self) -> Sequence[Intent]:
        """Nothing is ever under way."""
        return ()

    def wait(self, intent: Intent, until: IntentState = IntentState.INCLUDED, timeout: float = 60.0) -> Intent:
        """Return at once."""
        return intent

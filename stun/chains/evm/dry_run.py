"""What runs where no key is configured: every action is simulated and told, none is signed."""

from collections.abc import Callable, Sequence

import structlog

from stun.chains.evm.endpoint import BlockRef
from stun.chains.evm.rpc import ChainReader
from stun.chains.interface import Intent, IntentState

_log = structlog.get_logger(__name__)


def _tell(intent: Intent) -> None:
    to = "a new contract" if intent.to is None else "0x" + intent.to.hex()
    _log.info("would send", key=intent.key, to=to, bytes=len(intent.data), value=intent.value)


def never_sent(
    chain_id: int, account: bytes, block: BlockRef, key: str, to: bytes | None, data: bytes, value: int
) -> Intent:
    """An intent that stays planned for ever."""
    return Intent(
        id=0,
        chain_id=chain_id,
        account=account,
        key=key,
        to=to,
        data=data,
        value=value,
        state=IntentState.PLANNED,
        nonce=None,
        signed=(),
        landed=None,
        block_number=None,
        block_hash=None,
        gas_used=None,
        created=None,
        ok=None,
        reason="dry run",
        planned_block=block.number,
        signed_block=None,
        gas=None,
        planned_at=block.timestamp,
        updated_at=block.timestamp,
    )


class DryRun:
    """Implements TransactionSender without a key. `tell` gets each intent once; the default logs it."""

    def __init__(self, account: bytes, reader: ChainReader, tell: Callable[[Intent], None] = _tell) -> None:
        self._account = account
        self._reader = reader
        self._tell = tell
        self._told: dict[str, Intent] = {}

    @property
    def account(self) -> bytes:
        """The address the simulations come from."""
        return self._account

    def submit(self, key: str, to: bytes | None, data: bytes, value: int = 0) -> Intent:
        """Simulate and tell; the intent stays planned for ever. Errors: Reverted, ChainError."""
        if key in self._told:
            return self._told[key]
        view = self._reader.view()
        view.call(to, data, self._account, value)
        intent = never_sent(self._reader.chain_id, self._account, view.block, key, to, data, value)
        self._told[key] = intent
        self._tell(intent)
        return intent

    def tick(self) -> Sequence[Intent]:
        """Nothing is ever under way."""
        return ()

    def wait(self, intent: Intent, until: IntentState = IntentState.INCLUDED, timeout: float = 60.0) -> Intent:
        """Returns at once: a dry run includes nothing."""
        return intent

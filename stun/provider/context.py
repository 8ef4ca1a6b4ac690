"""What every part of a provider works with."""

from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from stun.chains.court import Courts
from stun.chains.interface import TransactionSigner
from stun.chains.market import MarketReader, MarketWriter
from stun.checking.rerun import ExactModels
from stun.protocol.messages import Message
from stun.provider.hardware import Hardware
from stun.provider.journal import Journal
from stun.provider.pools import CheckedPools
from stun.provider.settings import ProviderSettings
from stun.provider.storehouse import Storehouse
from stun.provider.workshop import Workshop


def _log() -> structlog.stdlib.BoundLogger:
    logger: structlog.stdlib.BoundLogger = structlog.get_logger("provider")
    return logger


@dataclass(frozen=True)
class ProviderContext:
    """One provider: `account` holds money and stake, `signer` signs its messages (its own key or its operator's).

    `writer` is None in a dry run: nothing is sent, and nothing is signed that could cost the provider its bond.
    `courts` None: the chain has none. `models` run tasks again.
    `on_step` is told the name of every act, for tests that end the process there.
    """

    account: bytes
    reader: MarketReader
    writer: MarketWriter | None
    signer: TransactionSigner
    pools: CheckedPools
    stores: Storehouse
    workshop: Workshop
    journal: Journal
    courts: Courts | None
    models: ExactModels
    hardware: Hardware
    settings: ProviderSettings
    on_step: Callable[[str], None] = lambda _: None
    log: structlog.stdlib.BoundLogger = field(default_factory=_log)

    def sign(self, message: Message) -> bytes:
        """Sign a message's digest in this market's domain."""
        return self.signer.sign_digest(message.digest(self.reader.domain))

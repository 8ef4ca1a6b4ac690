"""What one invocation of the command works with: settings, output, and the client once it is needed."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import click
from stun_sdk import StunClient
from stun_sdk.network import Connection, complete, connect, find_account
from stun_sdk.settings import Settings, load_settings

from stun.chains.evm.accounts import KeyUnavailable, passphrase_from_environment
from stun.chains.evm.market import EvmMarket
from stun.chains.evm.market_writer import EvmMarketWriter
from stun.chains.market import MarketWriter
from stun.cli.output import Output
from stun.cli.rehearsal import NOBODY, Rehearsal

F = TypeVar("F", bound=Callable[..., Any])


@dataclass
class Session:
    """Made once by the root command; `given` are the settings on the command line."""

    output: Output
    given: dict[str, Any]
    dry_run: bool = False
    rehearsal: Rehearsal | None = None
    clients: list[StunClient] = field(default_factory=list)

    def settings(self) -> Settings:
        """The settings in force. Errors: SettingsInvalid."""
        return load_settings(self.given)

    def reader(self) -> StunClient:
        """A client that may lack a key, for what only reads; no passphrase is asked for."""
        settings, file = complete(self.settings())
        if settings.keystore is None:
            return self._keep(connect(settings, find_account(settings, file)))
        owner = address_in(settings.keystore)
        return self._keep(connect(settings.model_copy(update={"keystore": None}), owner=owner))

    def actor(self) -> StunClient:
        """A client that acts; a dry run where no key is configured, or where one is asked for. Errors: SdkError ..."""
        settings, file = complete(self.settings())
        if self.dry_run and settings.keystore is not None:
            owner = address_in(settings.keystore)
            return self._rehearse(connect(settings.model_copy(update={"keystore": None}), owner=owner), owner)
        connection = connect(settings, find_account(settings, file, ask_passphrase))
        if self.dry_run or connection.writer is None:
            writer = connection.writer
            return self._rehearse(connection, NOBODY if writer is None else writer.account[-20:])
        return self._keep(connection)

    def writer(self, client: StunClient) -> MarketWriter:
        """What sends, or rehearses, the acts of a client of `actor`."""
        writer = client.connection.writer
        assert writer is not None, "an actor has a writer, if only a rehearsing one"
        return writer

    @property
    def rehearsing(self) -> bool:
        """Whether the last actor only rehearses."""
        return self.rehearsal is not None

    def done(self, record: dict[str, Any], text: str | None = None) -> None:
        """Print the result of an act, or what it would have been."""
        if self.rehearsal is None:
            self.output.record({"dry_run": False, **record}, text)
            return
        lines = [f"dry run, nothing was sent{'' if self.dry_run else ' (no key is set)'}:"]
        lines += [f"  {told['act']} to {told['to']}: {told['simulation']}" for told in self.rehearsal.told]
        self.output.record({"dry_run": True, "would": self.rehearsal.told, **record}, "\n".join(lines))

    def close(self) -> None:
        """Close every client."""
        for client in self.clients:
            client.close()

    def _rehearse(self, connection: Connection, account: bytes) -> StunClient:
        market = connection.market
        assert isinstance(market, EvmMarket), "the command connects EVM markets"
        self.rehearsal = Rehearsal(account, market.reader)
        return self._keep(replace(connection, writer=EvmMarketWriter(self.rehearsal, market), signer=None))

    def _keep(self, connection: Connection) -> StunClient:
        client = StunClient(connection=connection)
        self.clients.append(client)
        return client


pass_session = click.make_pass_decorator(Session)


def ask_passphrase() -> str:
    """The keystore's passphrase: STUN_PASSPHRASE, or asked for at a terminal. Errors: KeyUnavailable."""
    try:
        return passphrase_from_environment()()
    except KeyUnavailable:
        if not sys.stdin.isatty():
            raise
    return str(click.prompt("passphrase", hide_input=True, err=True))


def address_in(keystore: Path) -> bytes:
    """The address that a keystore file names in the clear; nobody if it names none."""
    try:
        address = bytes.fromhex(str(json.loads(keystore.read_text()).get("address", "")).removeprefix("0x"))
    except (OSError, ValueError, AttributeError):
        raise KeyUnavailable(f"{keystore} cannot be read as a keystore file") from None
    return address if len(address) == 20 else NOBODY

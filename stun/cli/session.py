"""What every command shares: the settings given, the form of the output, and the client made of them."""

import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import click
from rich.console import RenderableType
from stun_sdk import StunClient
from stun_sdk.errors import KeyMissing

from stun.chains.evm.accounts import KeyUnavailable
from stun.chains.market import MarketWriter
from stun.cli import output
from stun.cli.exits import ExitCode

PASSPHRASE = "STUN_PASSPHRASE"
_LIKE_A_KEY = re.compile(r"(0x)?[0-9a-fA-F]{64}")
Connect = Callable[[Mapping[str, Any]], StunClient]


def ask_passphrase() -> str:
    """The keystore's passphrase: STUN_PASSPHRASE, else a prompt. Errors: KeyUnavailable where nobody can be asked."""
    if PASSPHRASE in os.environ:
        return os.environ[PASSPHRASE]
    if not sys.stdin.isatty():
        raise KeyUnavailable(f"set {PASSPHRASE} to the keystore's passphrase, or run this in a terminal")
    return str(click.prompt("Passphrase of the keystore", hide_input=True, err=True))


def open_client(given: Mapping[str, Any]) -> StunClient:
    """Connect as the settings say. Errors: those of StunClient."""
    return StunClient(passphrase=ask_passphrase, **given)


@dataclass
class Session:
    """One run of the command; tests put another `connect`."""

    connect: Connect = open_client
    json: bool = False
    dry_run: bool = False
    given: dict[str, Any] = field(default_factory=dict)
    closers: list[Callable[[], None]] = field(default_factory=list)

    def take(self, params: dict[str, Any]) -> None:
        """Take the options that every command has out of a command's parameters. Errors: click.UsageError."""
        self.json = bool(params.pop("json", False)) or self.json
        self.dry_run = bool(params.pop("dry_run", False)) or self.dry_run
        for name in ("network", "account", "keystore"):
            value = params.pop(name, None)
            if value is None:
                continue
            if _LIKE_A_KEY.fullmatch(str(value)):
                raise click.UsageError(f"--{name} was given what looks like a private key; keys come from a keystore "
                                       "file or STUN_KEY only. If it is one, others may have seen it: move its funds")  # fmt: skip
            self.given[name] = value

    def client(self, **given: Any) -> StunClient:
        """The client, closed when the command ends. Errors: SdkError, ChainError, PoolError, BlobError."""
        client = self.connect(self.given | given)
        self.closers.append(client.close)
        return client

    def close(self) -> None:
        """Close what was opened."""
        while self.closers:
            self.closers.pop()()

    def show(self, document: Any, *rendered: RenderableType) -> None:
        """Print the result in the form asked for."""
        if self.json:
            output.print_json(document)
            return
        for part in rendered:
            output.stdout().print(part, markup=False)

    def say(self, text: str) -> None:
        """Tell progress on standard error; silent with --json."""
        if not self.json:
            output.stderr().print(text, markup=False)

    def writer(self, client: StunClient, act: str, would: Mapping[str, Any], told: str) -> MarketWriter:
        """The writer to act with; without a key, or with --dry-run, tell what would be done and end."""
        writer = client.connection.writer
        if writer is None or self.dry_run:
            self.end_dry(act, would, told, writer is not None)
        return writer

    def end_dry(self, act: str, would: Mapping[str, Any], told: str, has_key: bool) -> NoReturn:
        """End a dry run: 0 if it was asked for, else 3, so that no script takes it for done."""
        self.show({"dry_run": True, "would": act, **would}, f"dry run, nothing was sent: would {told}")
        if self.dry_run:
            raise click.exceptions.Exit(ExitCode.OK)
        assert not has_key, "a command with a key acts"
        raise KeyMissing(act)

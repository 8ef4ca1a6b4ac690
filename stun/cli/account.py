"""`stun account`: keys, money and stake."""

import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from stun_sdk import KeyMissing, StunClient
from stun_sdk.network import parse_account

from stun.chains.evm.accounts import KeyUnavailable, create_keystore
from stun.chains.evm.addresses import narrow
from stun.chains.evm.market import EvmMarket
from stun.chains.interface import Intent
from stun.chains.market import MarketWriter
from stun.cli.amounts import format_amount, parse_amount
from stun.cli.names import address
from stun.cli.session import Session, ask_passphrase, pass_session
from stun.protocol.messages import NOBODY

_asset = click.option("--asset", help="STUN, USDC or a token's address. [STUN_ASSET]")


@click.group()
def account() -> None:
    """Keys, free balance and stake."""


@account.command()
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
@pass_session
def new(session: Session, path: Path) -> None:
    """Make a key and write it to PATH, encrypted."""
    made = create_keystore(path, new_passphrase())
    record = {"address": made.checksum_address, "keystore": str(path.resolve())}
    session.output.record(
        record, f"{made.checksum_address}\nkeystore: {path}. Back it up; set STUN_KEYSTORE to use it."
    )


@account.command()
@click.argument("who", required=False)
@pass_session
def show(session: Session, who: str | None) -> None:
    """Show an account's money, stake and reputation: WHO (an address), or the own one."""
    client = session.reader() if who else session.actor()
    market = client.market
    assert isinstance(market, EvmMarket), "the command connects EVM markets"
    owner = parse_account(who, "who") if who else session.writer(client).account
    if owner == NOBODY:
        raise KeyMissing("showing your own account")
    pinned = market.at()
    active, unbonding, unlock_at = pinned.stake_position(owner)
    assets = {
        name: {"free": str(pinned.balance(asset, owner)), "wallet": str(pinned.wallet_balance(asset, owner))}
        for name, asset in client.connection.assets.items()
    }
    record = {
        "address": address(owner), "chain": market.chain, "assets": assets,
        "native": str(pinned.view().balance(narrow(owner))), "stake": str(active), "unbonding": str(unbonding),
        "unlock_at": unlock_at, "reputation": pinned.reputation(owner), "operator": address(pinned.operator(owner)),
    }  # fmt: skip
    session.output.record(record, _shown(record))


@account.command()
@click.argument("amount")
@_asset
@pass_session
def deposit(session: Session, amount: str, asset: str | None) -> None:
    """Move AMOUNT from the wallet into the market."""
    client = session.actor()
    name, value = _read(client, amount, asset)
    writer = session.writer(client)
    if session.rehearsing:
        writer.deposit("deposit", client.accounts.asset(name), value, writer.account)
    else:
        client.deposit(value, name)
    _told(session, client, name, "deposited", value)


@account.command()
@click.argument("amount")
@_asset
@click.option("--to", help="Where to, the own wallet by default.")
@pass_session
def withdraw(session: Session, amount: str, asset: str | None, to: str | None) -> None:
    """Move AMOUNT of free balance out of the market."""
    client = session.actor()
    name, value = _read(client, amount, asset)
    client.withdraw(value, name, to)
    _told(session, client, name, "withdrawn", value)


@account.command()
@click.argument("amount")
@pass_session
def stake(session: Session, amount: str) -> None:
    """Stake AMOUNT of STUN."""
    _move_stake(session, "staked", amount, lambda writer, value: writer.stake(_key("stake"), value))


@account.command()
@click.argument("amount")
@pass_session
def unstake(session: Session, amount: str) -> None:
    """Begin to unbond AMOUNT of stake; `collect` it when the time is over."""
    _move_stake(session, "unbonding", amount, lambda writer, value: writer.unstake(_key("unstake"), value))


@account.command()
@click.option("--to", help="Where to, the own wallet by default.")
@pass_session
def collect(session: Session, to: str | None) -> None:
    """Collect stake whose unbonding is over."""
    client = session.actor()
    writer = session.writer(client)
    target = writer.account if to is None else parse_account(to, "to")
    writer.wait(writer.collect(_key("collect"), target), client.settings.timeout_seconds)
    session.done({"collected_to": address(target)}, f"collected to {address(target)}")


def _shown(record: dict[str, Any]) -> str:
    """An account for people."""
    lines = [f"{record['address']} on {record['chain']}"]
    for name, held in record["assets"].items():
        free, wallet = (format_amount(int(held[place]), name) for place in ("free", "wallet"))
        lines.append(f"  {free} free in the market, {wallet} in the wallet")
    lines.append(f"  {format_amount(int(record['stake']), 'STUN')} staked, reputation {record['reputation'] / 1e6:.4f}")
    if int(record["unbonding"]):
        lines.append(f"  {format_amount(int(record['unbonding']), 'STUN')} unbonding until {record['unlock_at']}")
    return "\n".join(lines)


def _move_stake(session: Session, told: str, amount: str, act: Callable[[MarketWriter, int], Intent]) -> None:
    client = session.actor()
    value = parse_amount(amount, "STUN")
    writer = session.writer(client)
    writer.wait(act(writer, value), client.settings.timeout_seconds)
    _told_stake(session, client, told, value)


def new_passphrase() -> str:
    """A passphrase for a new keystore. Errors: KeyUnavailable."""
    if not sys.stdin.isatty():
        return ask_passphrase()
    try:
        return str(click.prompt("new passphrase", hide_input=True, confirmation_prompt=True, err=True))
    except click.Abort:
        raise KeyUnavailable("no passphrase was given") from None


def _read(client: StunClient, amount: str, asset: str | None) -> tuple[str, int]:
    name = client.accounts.name_of(client.accounts.asset(asset))
    return name, parse_amount(amount, name)


def _told(session: Session, client: StunClient, name: str, verb: str, value: int) -> None:
    free = client.market.balance(client.accounts.asset(name), session.writer(client).account)
    record = {"asset": name, verb: str(value), "free": str(free)}
    session.done(record, f"{verb} {format_amount(value, name)}; {format_amount(free, name)} are free in the market")


def _told_stake(session: Session, client: StunClient, verb: str, value: int) -> None:
    active = client.market.stake(session.writer(client).account)
    record = {verb: str(value), "stake": str(active)}
    session.done(record, f"{verb} {format_amount(value, 'STUN')}; {format_amount(active, 'STUN')} are staked")


def _key(act: str) -> str:
    """A key of its own for each act: a person who asks twice wants it twice."""
    return f"{act}:{secrets.token_hex(12)}"

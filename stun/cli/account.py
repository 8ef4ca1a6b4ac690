"""Accounts: keys on this machine, money in the market, stake."""

import os
import secrets
import time
from pathlib import Path
from typing import Any

import click
from stun_sdk import StunClient
from stun_sdk.errors import KeyMissing
from stun_sdk.network import parse_account

from stun.chains.evm.accounts import create_keystore
from stun.chains.evm.addresses import narrow
from stun.chains.evm.market import EvmMarket
from stun.chains.interface import Intent
from stun.chains.market import MarketWriter
from stun.cli import output
from stun.cli.amounts import format_amount, parse_amount
from stun.cli.command import Group
from stun.cli.session import PASSPHRASE, Session

NATIVE = 10**18


@click.group(cls=Group)
def account() -> None:
    """Keys, deposits, stake."""


@account.command(local=True)
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_context
def new(ctx: click.Context, file: Path) -> None:
    """Make a key and write it to FILE, encrypted; FILE must not exist.

    The passphrase comes from STUN_PASSPHRASE or a prompt. Without it the key is lost: keep both.
    """
    session = ctx.ensure_object(Session)
    made = create_keystore(file, _new_passphrase())
    document = {"address": made.checksum_address, "keystore": str(file)}
    session.show(document, f"address  {made.checksum_address}\nkeystore {file}\nuse it: export STUN_KEYSTORE={file}")


def _new_passphrase() -> str:
    if PASSPHRASE in os.environ:
        return os.environ[PASSPHRASE]
    return str(click.prompt("New passphrase", hide_input=True, confirmation_prompt=True, err=True))


@account.command()
@click.argument("address", required=False)
@click.pass_context
def show(ctx: click.Context, address: str | None) -> None:
    """Show what an account holds; the own one if no ADDRESS is given."""
    session = ctx.ensure_object(Session)
    client = session.client()
    if address is None and client.connection.writer is None:
        raise KeyMissing("showing the own account (or give an address)")
    who = parse_account(address, "address") if address else client.connection.writer.account  # type: ignore[union-attr]
    document = _standing(client, who)
    session.show(document, output.facts(_told(document)))


@account.command(acts=True)
@click.argument("amount")
@click.option("--asset", default="STUN", show_default=True)
@click.pass_context
def deposit(ctx: click.Context, amount: str, asset: str) -> None:
    """Move AMOUNT from the wallet into the market."""
    session = ctx.ensure_object(Session)
    units = parse_amount(amount, asset)
    client = session.client()
    would = {"asset": asset, "amount": str(units)}
    session.writer(client, "a deposit", would, f"deposit {format_amount(units, asset)}")
    left = client.deposit(units, asset)
    session.show(
        {"asset": asset, "deposited": str(units), "free": str(left)},
        f"deposited {format_amount(units, asset)}; free in the market: {format_amount(left, asset)}",
    )


@account.command(acts=True)
@click.argument("amount")
@click.option("--asset", default="STUN", show_default=True)
@click.option("--to", metavar="ADDRESS", help="another wallet than the own one")
@click.pass_context
def withdraw(ctx: click.Context, amount: str, asset: str, to: str | None) -> None:
    """Move AMOUNT (or "all") of the free balance out of the market."""
    session = ctx.ensure_object(Session)
    units = None if amount == "all" else parse_amount(amount, asset)
    client = session.client()
    told = "everything that is free" if units is None else format_amount(units, asset)
    would = {"asset": asset, "amount": "all" if units is None else str(units), "to": to}
    session.writer(client, "a withdrawal", would, f"withdraw {told}")
    units = client.balance(asset) if units is None else units
    left = client.withdraw(units, asset, to)
    session.show(
        {"asset": asset, "withdrawn": str(units), "free": str(left), "to": to or client.address},
        f"withdrew {format_amount(units, asset)}; free in the market: {format_amount(left, asset)}",
    )


@account.command(acts=True)
@click.argument("amount")
@click.pass_context
def stake(ctx: click.Context, amount: str) -> None:
    """Stake AMOUNT of STUN, as providers must."""
    session = ctx.ensure_object(Session)
    units = parse_amount(amount, "STUN")
    client = session.client()
    writer = session.writer(client, "staking", {"amount": str(units)}, f"stake {format_amount(units, 'STUN')}")
    _finish(client, writer, writer.stake(_key("stake"), units))
    active = client.market.stake(writer.account)
    session.show({"staked": str(units), "stake": str(active)}, f"staked; the stake is {format_amount(active, 'STUN')}")


@account.command(acts=True)
@click.argument("amount")
@click.pass_context
def unstake(ctx: click.Context, amount: str) -> None:
    """Begin to take AMOUNT of STUN out of the stake."""
    session = ctx.ensure_object(Session)
    units = parse_amount(amount, "STUN")
    client = session.client()
    writer = session.writer(client, "unstaking", {"amount": str(units)}, f"unstake {format_amount(units, 'STUN')}")
    _finish(client, writer, writer.unstake(_key("unstake"), units))
    document = {"unstaking": str(units)} | _position(client, writer.account)
    unlock = document.get("unlock_at")
    when = "" if not unlock else f"; `stun account collect` from {_when(int(unlock))} on"
    session.show(document, f"{format_amount(units, 'STUN')} leave the stake{when}")


@account.command(acts=True)
@click.option("--to", metavar="ADDRESS", help="another wallet than the own one")
@click.pass_context
def collect(ctx: click.Context, to: str | None) -> None:
    """Collect what left the stake, once its time is over."""
    session = ctx.ensure_object(Session)
    target = None if to is None else parse_account(to, "to")
    client = session.client()
    writer = session.writer(client, "collecting", {"to": to}, "collect what left the stake")
    _finish(client, writer, writer.collect(_key("collect"), target or writer.account))
    wallet = client.market.wallet_balance(client.market.stun, target or writer.account)
    session.show({"to": output.address(target or writer.account), "wallet": str(wallet)},
                 f"collected; the wallet holds {format_amount(wallet, 'STUN')}")  # fmt: skip


def _finish(client: StunClient, writer: MarketWriter, intent: Intent) -> None:
    writer.wait(intent, client.settings.timeout_seconds)


def _key(act: str) -> str:
    """A key of its own for each act: a person who asks twice wants it twice."""
    return f"{act}:{secrets.token_hex(12)}"


def _position(client: StunClient, who: bytes) -> dict[str, Any]:
    """Stake with what is leaving it, where the chain's adapter tells that."""
    market = client.market
    if not isinstance(market, EvmMarket):
        return {"stake": str(market.stake(who))}
    active, unbonding, unlock_at = market.stake_position(who)
    return {"stake": str(active), "unbonding": str(unbonding), "unlock_at": unlock_at}


def _standing(client: StunClient, who: bytes) -> dict[str, Any]:
    market = client.market
    document: dict[str, Any] = {"address": output.address(who), "chain": market.chain}
    if isinstance(market, EvmMarket):
        document["native"] = str(market.view().balance(narrow(who)))
    document["assets"] = [
        {
            "asset": name, "address": output.address(asset),
            "free": str(market.balance(asset, who)), "wallet": str(market.wallet_balance(asset, who)),
        }
        for name, asset in client.connection.assets.items()
    ]  # fmt: skip
    operator = market.operator(who)
    return document | _position(client, who) | {
        "reputation_ppm": market.reputation(who),
        "operator": None if not any(operator) else output.address(operator),
    }  # fmt: skip


def _told(document: dict[str, Any]) -> dict[str, Any]:
    rows: dict[str, Any] = {"account": f"{document['address']} on {document['chain']}"}
    for held in document["assets"]:
        name = held["asset"]
        rows[name] = f"{format_amount(int(held['free']), name)} free in the market, " \
                     f"{format_amount(int(held['wallet']), name)} in the wallet"  # fmt: skip
    rows["stake"] = format_amount(int(document["stake"]), "STUN")
    if int(document.get("unbonding", "0")):
        rows["leaving stake"] = f"{format_amount(int(document['unbonding']), 'STUN')} from " \
                                f"{_when(document['unlock_at'])} on"  # fmt: skip
    rows["reputation"] = f"{document['reputation_ppm'] / 1e6:.4f} of 1"
    if document["operator"]:
        rows["operator"] = document["operator"]
    if "native" in document:
        rows["for gas"] = f"{int(document['native']) / NATIVE:.6f} of the chain's own coin"
    return rows


def _when(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))

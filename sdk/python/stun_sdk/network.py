"""Where a network's parts are: the file that a devnet writes, and the connection a client makes of its settings."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from stun.chains.evm import deployments
from stun.chains.evm.accounts import (
    EvmAccount,
    from_environment,
    from_key,
    from_keystore,
    passphrase_from_environment,
)
from stun.chains.evm.addresses import widen
from stun.chains.evm.intents import IntentStore
from stun.chains.evm.market import ChainMismatch, EvmMarket, connect_market
from stun.chains.evm.market_writer import EvmMarketWriter
from stun.chains.evm.rpc import Finality
from stun.chains.evm.sender import Sender
from stun.chains.interface import ChainError, TransactionSigner
from stun.chains.market import MarketReader, MarketWriter
from stun.pool.client import PoolClient
from stun.pool.pool_set import PoolSet
from stun.storage.blobs import BlobStore
from stun.storage.folder import FolderBlobStore
from stun.storage.http import HttpBlobStore
from stun.storage.mirror import MirrorStore
from stun_sdk.errors import NetworkUnknown, SettingsInvalid, WrongNetwork
from stun_sdk.settings import Settings, data_folder, devnet_folder
from stun_sdk.views import Pools

DEVNET = "devnet"
NETWORK_FILE = "network.json"


class NetworkFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a devnet says of itself; `accounts` is the file of its public test keys. Paths are absolute."""

    network: str
    deployment: str
    rpc_urls: tuple[str, ...]
    pool_urls: tuple[str, ...]
    store_urls: tuple[str, ...]
    accounts: str


@dataclass(frozen=True)
class Connection:
    """Everything a client works with; `writer` and `signer` are None without a key.

    `assets` by name, 32 bytes. `folder` keeps the recipient seed and submitted orders. `open_store` opens a blob server
    that a provider names. `first_block`: where the market's events begin.
    """

    market: MarketReader
    pools: Pools
    store: BlobStore
    store_urls: tuple[str, ...]
    assets: Mapping[str, bytes]
    folder: Path
    settings: Settings
    writer: MarketWriter | None = None
    signer: TransactionSigner | None = None
    open_store: Callable[[str], BlobStore] = HttpBlobStore
    first_block: int = 0
    close: Callable[[], None] = lambda: None


def save_network(file: NetworkFile, folder: Path) -> Path:
    """Write a devnet's file, whole or not at all."""
    path = folder / NETWORK_FILE
    part = path.with_suffix(".part")
    part.write_bytes(msgspec.json.format(msgspec.json.encode(file), indent=2) + b"\n")
    os.replace(part, path)
    return path


def read_network(folder: Path) -> NetworkFile | None:
    """Read a devnet's file, None if there is none. Errors: SettingsInvalid."""
    try:
        return msgspec.json.decode((folder / NETWORK_FILE).read_bytes(), type=NetworkFile, strict=True)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise SettingsInvalid(f"{folder / NETWORK_FILE}: {error}; run `stun devnet up` again") from error


def devnet_account(path: Path, name: str) -> EvmAccount:
    """A named account of a devnet; its key is public knowledge. Errors: SettingsInvalid."""
    try:
        entries = json.loads(path.read_text())["accounts"]
        return from_key(bytes.fromhex(entries[name]["key"].removeprefix("0x")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ChainError):
        raise SettingsInvalid(f"{path} holds no account {name!r}; see `stun devnet status`") from None


def complete(settings: Settings) -> tuple[Settings, NetworkFile | None]:
    """Fill in what a running devnet says, where nothing else was set. Errors: NetworkUnknown, SettingsInvalid."""
    if settings.deployment is not None and settings.network != DEVNET:
        return settings, None
    if settings.network not in ("", DEVNET):
        raise NetworkUnknown(settings.network)
    file = read_network(devnet_folder(settings))
    if file is None:
        raise NetworkUnknown(settings.network)
    said: dict[str, Any] = {
        "network": DEVNET, "deployment": Path(file.deployment), "rpc_urls": file.rpc_urls,
        "pool_urls": file.pool_urls, "store_urls": file.store_urls,
    }  # fmt: skip
    given = settings.model_dump(exclude_unset=True)
    chosen = {name: value for name, value in given.items() if value not in (None, "", ())}
    return Settings(**(said | chosen)), file


def find_account(
    settings: Settings, file: NetworkFile | None, passphrase: Callable[[], str] | None = None
) -> EvmAccount | None:
    """The key to act with: keystore, then STUN_KEY, then a devnet's named account (`requester`); None if there is none.

    Errors: KeyUnavailable, SettingsInvalid.
    """
    if file is not None and settings.account:
        return devnet_account(Path(file.accounts), settings.account)
    if settings.keystore is not None:
        return from_keystore(settings.keystore, passphrase or passphrase_from_environment())
    found = from_environment()
    if found is None and file is not None:
        return devnet_account(Path(file.accounts), "requester")
    return found


def open_market(settings: Settings) -> EvmMarket:
    """Connect the chain and see that the market is there. Errors: NetworkUnknown, WrongNetwork, ChainError."""
    if settings.deployment is None or not settings.rpc_urls:
        raise NetworkUnknown(settings.network)
    try:
        market = connect_market(settings.deployment, settings.rpc_urls, Finality(settings.confirmations))
    except ChainMismatch as error:
        raise WrongNetwork(str(error)) from error
    if not market.view().code(market.contracts.market):
        raise WrongNetwork(f"there is no market at the address that {settings.deployment} names; was the chain reset?")
    return market


def connect(
    settings: Settings,
    account: EvmAccount | None = None,
    passphrase: Callable[[], str] | None = None,
    owner: bytes | None = None,
) -> Connection:
    """Connect chain, pools and stores. `owner` (20 bytes): whose state is read where no key is at hand.

    Errors: NetworkUnknown, WrongNetwork, SettingsInvalid, those of each part.
    """
    settings, file = complete(settings)
    market = open_market(settings)
    account = account or find_account(settings, file, passphrase)
    if not settings.pool_urls:
        raise SettingsInvalid("no pool is set; give pool_urls")
    pools = PoolSet([PoolClient(url, market) for url in settings.pool_urls])
    stores = open_stores(settings)
    folder = state_folder(settings, market, owner if account is None else account.address, file)
    writer = None
    if account is not None:
        intents = IntentStore.open(folder / "intents.db")
        writer = EvmMarketWriter(Sender(account, market.reader, intents), market)

    def close() -> None:
        pools.close()
        for store in stores:
            if isinstance(store, HttpBlobStore):
                store.close()

    return Connection(
        market, pools, MirrorStore(stores), settings.store_urls, assets_of(settings, market), folder, settings,
        writer, account, lambda url: HttpBlobStore(url, deadline_seconds=settings.store_seconds),
        market.contracts.first_block, close,
    )  # fmt: skip


def open_stores(settings: Settings) -> list[BlobStore]:
    """The configured blob stores. Errors: SettingsInvalid, StoreUnavailable."""
    folders: list[BlobStore] = [] if settings.store_folder is None else [FolderBlobStore(settings.store_folder)]
    servers = [HttpBlobStore(url, deadline_seconds=settings.store_seconds) for url in settings.store_urls]
    if not folders and not servers:
        raise SettingsInvalid("no blob store is set; give store_urls or store_folder")
    return [*folders, *servers]


def assets_of(settings: Settings, market: EvmMarket) -> dict[str, bytes]:
    """The assets by name: STUN, and USDC as set or as a devnet deployed it. Errors: SettingsInvalid."""
    assets = {"STUN": market.stun}
    if settings.usdc:
        assets["USDC"] = parse_account(settings.usdc, "usdc")
    elif settings.deployment is not None:
        coin = deployments.load(settings.deployment).contracts.get("Usdc6")
        if coin is not None:
            assets["USDC"] = parse_account(coin.address, "usdc")
    return assets


def parse_account(text: str, what: str) -> bytes:
    """Read an address (20 bytes) or account (32 bytes) in hex as 32 bytes. Errors: SettingsInvalid."""
    try:
        raw = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raw = b""
    if len(raw) not in (20, 32):
        raise SettingsInvalid(f"{what}: needs an address in hex, 20 bytes")
    return widen(raw) if len(raw) == 20 else raw


def state_folder(settings: Settings, market: EvmMarket, owner: bytes | None, file: NetworkFile | None) -> Path:
    """Where this account's state of this market is kept, made when missing, readable by its owner only."""
    name = "nobody" if owner is None else owner.hex()
    place = f"{market.reader.chain_id}-{market.contracts.market.hex()[:16]}"
    base = settings.state_folder or (devnet_folder(settings) / "clients" if file is not None else data_folder())
    folder = base / place / name
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder

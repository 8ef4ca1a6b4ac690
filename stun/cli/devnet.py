"""`stun devnet`: a whole network on this machine, without providers and keepers of its own."""

import json
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
from stun_sdk import SettingsInvalid
from stun_sdk.network import DEVNET, NetworkFile, read_network, save_network
from stun_sdk.settings import devnet_folder

from stun.chains.evm import devnet as chain_devnet
from stun.chains.evm.devnet import DevnetRecord
from stun.chains.evm.endpoint import connect
from stun.chains.evm.nodes import free_port
from stun.cli.devnet_servers import ServerRecord, read_servers, start_server, stop_servers
from stun.cli.devnet_setup import WARNING, set_up, write_accounts
from stun.cli.session import Session, pass_session

_PORT = click.IntRange(1, 65_535)
_MARKER = ".stun-devnet"
_NEXT = """chain, contracts, pool and blob store are up. Next, each in a terminal of its own:
  stun --account matcher keeper start matcher
  stun --account settler keeper start settler
  stun --account provider-1 provider start --any-model --price 4000
  stun --account provider-2 provider start --any-model --price 4200
  stun model register --minilm        then: stun run MODEL --text "hello"
"""


@click.group()
def devnet() -> None:
    """A network on this machine for trying things out."""


@devnet.command()
@click.option("--rpc-port", type=_PORT, help="Port of the chain, a free one by default.")
@click.option("--pool-port", type=_PORT, help="Port of the pool.")
@click.option("--store-port", type=_PORT, help="Port of the blob server.")
@pass_session
def up(session: Session, rpc_port: int | None, pool_port: int | None, store_port: int | None) -> None:
    """Start chain, pool and blob store, and deploy every contract; what was there before goes on.

    Everything listens on the loopback only. The accounts' keys are public test keys.
    """
    folder = _folder(session)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MARKER).touch()
    before = read_network(folder)
    ports = _ports(before)
    chain = chain_devnet.start(folder / "chain", port=rpc_port or _free(ports.get("rpc")), block_time=1)
    session.output.note(f"the chain answers at {chain.url}")
    deployment = set_up(folder, chain, session.output.note)
    store = _start_store(folder, store_port or ports.get("store") or free_port())
    pool = _start_pool(folder, chain, deployment, pool_port or ports.get("pool") or free_port())
    accounts = write_accounts(folder)
    file = NetworkFile(DEVNET, str(deployment), (chain.url,), (pool.url,), (store.url,), str(accounts))
    save_network(file, folder)
    session.output.record(
        _record(folder, file, chain, read_servers(folder)), f"{_NEXT}\n{WARNING} They are in {accounts}."
    )


@devnet.command()
@click.option("--reset", is_flag=True, help="Forget the chain's state, too.")
@pass_session
def down(session: Session, reset: bool) -> None:
    """Stop everything that `up` started; the chain's state is kept."""
    folder = _folder(session)
    stopped = stop_servers(folder) if folder.is_dir() else []
    if chain_devnet.stop(folder / "chain"):
        stopped.append("chain")
    if reset and folder.is_dir():
        if not (folder / _MARKER).is_file():
            raise SettingsInvalid(f"{folder} is no devnet's folder; it is not deleted")
        shutil.rmtree(folder)
    told = f"stopped {', '.join(stopped) or 'nothing: nothing ran'}{'; its state is forgotten' if reset else ''}"
    session.output.record({"stopped": sorted(stopped), "reset": reset}, told)


@devnet.command()
@pass_session
def status(session: Session) -> None:
    """Say what runs, and where."""
    folder = _folder(session)
    file = read_network(folder) if folder.is_dir() else None
    if file is None:
        session.output.record({"folder": str(folder), "running": False}, "no devnet; `stun devnet up` starts one")
        return
    record = _record(folder, file, chain_devnet.status(folder / "chain"), read_servers(folder))
    session.output.record(record)


def _record(
    folder: Path, file: NetworkFile, chain: DevnetRecord | None, servers: dict[str, ServerRecord]
) -> dict[str, Any]:
    """The devnet with stable keys; of the accounts their addresses only."""
    accounts = json.loads(Path(file.accounts).read_text())["accounts"]
    alive = {name: record.alive() for name, record in servers.items()}
    return {
        "folder": str(folder), "running": chain is not None and all(alive.get(name) for name in ("pool", "store")),
        "chain": {"running": chain is not None, "url": file.rpc_urls[0], "block": _block(chain)},
        "pool": {"running": alive.get("pool", False), "url": file.pool_urls[0]},
        "store": {"running": alive.get("store", False), "url": file.store_urls[0]},
        "deployment": file.deployment, "accounts": {name: entry["address"] for name, entry in accounts.items()},
    }  # fmt: skip


def _block(chain: DevnetRecord | None) -> int | None:
    return None if chain is None else connect(chain.url).block("latest").number


def _folder(session: Session) -> Path:
    return devnet_folder(session.settings()).resolve()


def _ports(file: NetworkFile | None) -> dict[str, int]:
    """The ports of the last time, so that addresses stay."""
    if file is None:
        return {}
    urls = {"rpc": file.rpc_urls[0], "pool": file.pool_urls[0], "store": file.store_urls[0]}
    return {name: port for name, url in urls.items() if (port := urlsplit(url).port) is not None}


def _free(port: int | None) -> int:
    return port or free_port()


def _start_store(folder: Path, port: int) -> ServerRecord:
    env = {"STUN_BLOBS_URL": str(folder / "blobs"), "STUN_BLOBS_PORT": str(port), "STUN_BLOBS_HOST": "127.0.0.1"}
    return start_server(folder, "store", "stun.storage.server", port, env)


def _start_pool(folder: Path, chain: DevnetRecord, deployment: Path, port: int) -> ServerRecord:
    env = {
        "STUN_POOL_HOST": "127.0.0.1",
        "STUN_POOL_PORT": str(port),
        "STUN_POOL_DATABASE": f"sqlite:///{folder / 'pool.db'}",
        "STUN_POOL_DEPLOYMENT": str(deployment),
        "STUN_POOL_RPC_URLS": json.dumps([chain.url]),
        "STUN_POOL_SWEEP_SECONDS": "1",
    }
    return start_server(folder, "pool", "stun.pool.server", port, env)

"""Who plays in the demonstration: three providers, a matcher and a settler, each a process with its own key."""

import json

from demo.network import STUN, Network
from demo.processes import Actor, Company

PRICES = {"provider-1": 4_000 * STUN, "provider-2": 4_200 * STUN, "provider-3": 4_400 * STUN}
CHEAP = "provider-3"
KILLED = "provider-2"
CHECK = "the check"


def start(company: Company, network: Network) -> None:
    """Start everybody."""
    for name in PRICES:
        start_provider(company, network, name)
    for duty in ("matcher", "settler"):
        start_keeper(company, network, duty)


def start_provider(company: Company, network: Network, name: str) -> Actor:
    """Start one provider; prices are STUN (9 decimals) per 10^6 sentences."""
    folder = network.folder / name
    folder.mkdir(exist_ok=True)
    settings = {
        "deployment": str(network.deployment),
        "rpc_url": network.rpc_url,
        "pool_url": network.pool_url,
        "blob_url": network.blob_url,
        "folder": str(folder),
        "model_id": network.model_id.hex(),
        "price": PRICES[name],
        "cheap": name == CHEAP,
    }
    path = folder / "settings.json"
    path.write_text(json.dumps(settings))
    return company.start(name, "demo.provider", [str(path)], _key(network, name))


def start_keeper(company: Company, network: Network, duty: str) -> Actor:
    """Start the matcher or the settler."""
    env = {
        "STUN_KEEPER_DEPLOYMENT": str(network.deployment),
        "STUN_KEEPER_RPC_URLS": json.dumps([network.rpc_url]),
        "STUN_KEEPER_POOLS": json.dumps([network.pool_url]),
        "STUN_KEEPER_STORES": json.dumps([network.blob_url]),
        "STUN_KEEPER_DATABASE": str(network.folder / f"{duty}.db"),
        "STUN_KEEPER_TICK_SECONDS": "0.5",
        "STUN_KEEPER_BID_WINDOW": "2",
        "STUN_KEEPER_FACTS_SECONDS": "1",
        "STUN_KEEPER_DEADLINE_MARGIN": "8",
        "STUN_KEEPER_SLOT_SECONDS": "0",
    }
    return company.start(duty, "keepers.main", [duty], env | _key(network, duty))


def start_check(company: Company, network: Network, batch_id: str) -> Actor:
    """Start the requester's own check of a batch, which takes what is wrong to the court: `stun batch audit`."""
    env = {
        "STUN_DEPLOYMENT": str(network.deployment),
        "STUN_RPC_URLS": network.rpc_url,
        "STUN_POOL_URLS": network.pool_url,
        "STUN_STORE_URLS": network.blob_url,
        "STUN_STATE_FOLDER": str(network.folder / "requester"),
        "STUN_POLL_SECONDS": "0.5",
    }
    command = ["--json", "batch", "audit", batch_id, "--challenge", "--timeout", "100"]
    return company.start(CHECK, "stun.cli.main", command, env | _key(network, "requester"))


def _key(network: Network, name: str) -> dict[str, str]:
    return {"STUN_KEY": "0x" + network.people[name].key.hex()}

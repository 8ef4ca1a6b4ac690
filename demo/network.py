"""The demonstration's network: a chain, all contracts, a pool, a store, and accounts with keys of their own."""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from demo.processes import HOST, Company, free_port
from stun.chains.evm import deployments
from stun.chains.evm.accounts import EvmAccount, from_key
from stun.chains.evm.addresses import widen
from stun.chains.evm.endpoint import connect
from stun.chains.evm.intents import IntentStore
from stun.chains.evm.market import EvmMarket
from stun.chains.evm.market_contracts import contracts_of, interface
from stun.chains.evm.market_deploy import MarketDeployment, Plan, development_plan
from stun.chains.evm.market_writer import EvmMarketWriter
from stun.chains.evm.nodes import funded_accounts
from stun.chains.evm.rpc import ChainReader
from stun.chains.evm.sender import Sender
from stun.protocol.parameters import NumericClass
from stun.protocol.trees.specs import model_id
from stun.provider.runners.exact_minilm import exact_minilm_model
from stun.storage.folder import FolderBlobStore

STUN = 10**9
NATIVE = 10**18
PEOPLE = ("requester", "creator", "provider-1", "provider-2", "provider-3", "matcher", "settler")
FREE_STUN = 10_000 * STUN
STAKE_STUN = 1_000 * STUN
_SHORT = {
    "draw_seconds": 1, "answer_seconds": 10, "reveal_seconds": 20, "resolve_seconds": 10, "follow_seconds": 5,
    "challenge_open_seconds": 20, "audit_seconds": 8, "seat_reveal_seconds": 6,
}  # fmt: skip


@dataclass(frozen=True)
class Person:
    """A party with a key that only it holds."""

    name: str
    key: bytes
    account: EvmAccount

    @property
    def id(self) -> bytes:
        """The account as the protocol writes it, 32 bytes."""
        return widen(self.account.address)


@dataclass(frozen=True)
class Network:
    """Everything that the actors need to find each other."""

    folder: Path
    rpc_url: str
    pool_url: str
    blob_url: str
    deployment: Path
    market: EvmMarket
    people: dict[str, Person]
    model_id: bytes
    court: bytes

    def name_of(self, account: bytes) -> str:
        """Return the name of an account, or the end of its address."""
        if account == self.court:
            return "the court"
        return next((p.name for p in self.people.values() if p.id == account), f"0x..{account.hex()[-6:]}")


def demonstration_plan() -> Plan:
    """Return a development network's plan with windows of seconds, so that nobody has to wait for hours."""
    plan = development_plan()
    return replace(plan, values={**plan.values, **_SHORT})


def build(company: Company, tell: Callable[[str], None]) -> Network:
    """Start chain, pool and store, deploy, fund everybody, and register the model. Errors: ActorFailed, ChainError."""
    folder = company.folder
    rpc_url, pool_port, blob_port = f"http://{HOST}:{free_port()}", free_port(), free_port()
    company.start("chain", "stun.chains.evm.embedded_server", ["--port", rpc_url.rsplit(":", 1)[1]])
    blobs = {"STUN_BLOBS_URL": str(folder / "blobs"), "STUN_BLOBS_PORT": str(blob_port)}
    company.start("store", "stun.storage.server", env=blobs)
    tell("starting the embedded chain and compiling the contracts")
    company.wait_for_http("chain", rpc_url)
    reader = ChainReader([connect(rpc_url, timeout=60)])
    deployer = Sender(funded_accounts(1)[0], reader, IntentStore.open(folder / "deployer.db"), poll=0.05)
    file = MarketDeployment(deployer, reader, demonstration_plan(), tell).run("demo")
    deployment = deployments.path_of("demo", file.chain_id, folder)
    deployments.save(file, deployment)
    market = EvmMarket(reader, contracts_of(file))
    people = {name: _person(name) for name in PEOPLE}
    intents = IntentStore.open(folder / "set-up.db")
    tell(f"funding {len(people)} accounts with test coins")
    _fund(deployer, market, people, intents)
    tell("registering the model all-MiniLM-L6-v2, in integers")
    model = _register_model(folder, writer_of(market, people["creator"], intents))
    pool = {
        "STUN_POOL_PORT": str(pool_port),
        "STUN_POOL_DATABASE": f"sqlite:///{folder / 'pool.db'}",
        "STUN_POOL_DEPLOYMENT": str(deployment),
        "STUN_POOL_RPC_URLS": json.dumps([rpc_url]),
        "STUN_POOL_SWEEP_SECONDS": "5",
    }
    company.start("pool", "stun.pool.server", env=pool)
    pool_url, blob_url = f"http://{HOST}:{pool_port}", f"http://{HOST}:{blob_port}"
    court = widen(file.address("Court"))
    network = Network(folder, rpc_url, pool_url, blob_url, deployment, market, people, model, court)
    company.wait_for_http("store", network.blob_url)
    company.wait_for_http("pool", network.pool_url)
    return network


def _person(name: str) -> Person:
    key = secrets.token_bytes(32)
    return Person(name, key, from_key(key))


def _fund(deployer: Sender, market: EvmMarket, people: dict[str, Person], intents: IntentStore) -> None:
    transfer = interface("StunToken").function("transfer")
    for person in people.values():
        address = person.account.address
        deployer.submit(f"coin:{person.name}", address, b"", NATIVE)
        data = transfer.encode(address, FREE_STUN + STAKE_STUN + 100 * STUN)
        deployer.wait(deployer.submit(f"stun:{person.name}", market.contracts.token, data))
    for person in people.values():
        writer = writer_of(market, person, intents)
        if person.name == "requester" or person.name.startswith("provider"):
            writer.wait(writer.deposit("deposit", market.stun, FREE_STUN, person.id))
        if person.name.startswith("provider"):
            writer.wait(writer.stake("stake", STAKE_STUN))


def writer_of(market: EvmMarket, person: Person, intents: IntentStore) -> EvmMarketWriter:
    """Return a writer that acts with a person's key."""
    return EvmMarketWriter(Sender(person.account, market.reader, intents, poll=0.05), market)


def _register_model(folder: Path, creator: EvmMarketWriter) -> bytes:
    packaged = exact_minilm_model()
    store = FolderBlobStore(str(folder / "blobs"))
    for path in packaged.files.values():
        store.put(path.read_bytes())
    manifest = packaged.manifest
    store.put(manifest.to_json())
    numeric_class = NumericClass[manifest.numeric_class.name]
    roots = (manifest.weight_root, manifest.graph_root)
    creator.wait(creator.register_model("register", manifest.digest(), *roots, numeric_class))
    return model_id(creator.account, manifest.digest())

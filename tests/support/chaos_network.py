"""A whole market on a real node for tests that break things: chain, contracts, pool, store, funded roles, orders."""

import json
import os
import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from demo.processes import HOST, Company, free_port
from stun.chains.evm import deployments
from stun.chains.evm.accounts import EvmAccount, from_key
from stun.chains.evm.addresses import widen
from stun.chains.evm.endpoint import Retry, connect
from stun.chains.evm.intents import IntentStore
from stun.chains.evm.market import EvmMarket
from stun.chains.evm.market_contracts import contracts_of, interface
from stun.chains.evm.market_deploy import MarketDeployment, development_plan
from stun.chains.evm.market_writer import EvmMarketWriter
from stun.chains.evm.nodes import AnvilNode, NodeUnavailable, anvil, anvil_binary
from stun.chains.evm.rpc import ChainReader, Finality
from stun.chains.evm.sender import Sender
from stun.cli.devnet_setup import named_keys
from stun.pool.client import PoolClient
from stun.pool.envelopes import OrderEnvelope
from stun.pool.pool_set import PoolSet
from stun.protocol.messages import NOBODY, Order, nonce_of
from stun.protocol.parameters import NumericClass
from stun.protocol.trees.specs import model_id
from stun.storage.folder import FolderBlobStore
from stun.storage.packages import TaskPackage

PROVIDERS = ("provider-1", "provider-2", "provider-3")
PARTIES = ("requester", "creator", *PROVIDERS, "matcher", "settler")
FREE = 10**14
PRICE = 1_234_567_000_003  # per 10^6 units: a task of one unit leaves dust in every share
POST_SECONDS, REVEAL_SECONDS, RESOLVE_SECONDS, CHALLENGE_SECONDS = 900, 600, 600, 1_200
_WINDOWS = {
    "draw_seconds": 1, "answer_seconds": 1, "auditors": 0,
    "reveal_seconds": REVEAL_SECONDS, "resolve_seconds": RESOLVE_SECONDS,
}  # fmt: skip


def node_kind() -> str:
    """`anvil` where it is installed, else `embedded`."""
    try:
        anvil_binary()
    except NodeUnavailable:
        return "embedded"
    return "anvil"


@contextmanager
def memory_folder() -> Iterator[Path]:
    """A folder in memory where there is one: what -9 leaves does not depend on the disk, and its syncs cost minutes."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as name:
        yield Path(name)


@dataclass
class Network:
    """Everything that actors need to find each other, and what a test looks at; no `node` on the embedded chain."""

    folder: Path
    url: str
    node: AnvilNode | None
    deployment: Path
    pool_url: str
    store_url: str
    market: EvmMarket
    accounts: dict[str, EvmAccount]
    model_id: bytes
    usdc: bytes
    orders: int = 0

    @cached_property
    def pools(self) -> PoolSet:
        """The pool as an honest reader sees it."""
        return self.connect_pools(self.market)

    @property
    def store(self) -> FolderBlobStore:
        """The folder that the blob server serves."""
        return FolderBlobStore(self.folder / "blobs")

    @property
    def assets(self) -> tuple[bytes, bytes]:
        """STUN and USDC."""
        return self.market.stun, self.usdc

    def account(self, name: str) -> bytes:
        """A role's account, 32 bytes."""
        return widen(self.accounts[name].address)

    def name_of(self, account: bytes) -> str:
        """The role of an account."""
        return next(name for name in self.accounts if self.account(name) == account)

    def connect(self, *urls: str, confirmations: int = 0) -> EvmMarket:
        """The market over endpoints that must agree, the node itself by default; impatient with those that fail."""
        endpoints = [connect(url, 5.0, Retry(2, 0.01)) for url in urls or (self.url,)]
        return EvmMarket(ChainReader(endpoints, Finality(confirmations)), self.market.contracts)

    def connect_pools(self, market: EvmMarket) -> PoolSet:
        """The pool as one actor sees it."""
        return PoolSet([PoolClient(self.pool_url, market)])

    def writer(self, name: str, market: EvmMarket | None = None) -> EvmMarketWriter:
        """A role's writer; all writers of a role share one store of intents."""
        chosen = market or self.market
        intents = IntentStore.open(self.folder / name / "intents.db")
        return EvmMarketWriter(Sender(self.accounts[name], chosen.reader, intents, poll=0.02), chosen)

    def request(self, method: str, *params: Any) -> Any:
        """A raw request to the node."""
        answer = connect(self.url).w3.provider.make_request(method, list(params))  # type: ignore[arg-type]
        assert "error" not in answer, answer
        return answer.get("result")

    def mine(self, blocks: int = 1) -> None:
        """Add blocks."""
        for _ in range(blocks):
            self.request("evm_mine")

    def travel(self, seconds: int) -> None:
        """Let the chain's clock jump and mine a block."""
        self.request("evm_increaseTime", seconds)
        self.mine()

    def order(self, replicas: int, tasks: int, asset: bytes, **changes: Any) -> bytes:
        """Publish a signed order of shouting tasks; return its digest."""
        self.orders += 1
        inputs = [b"task %d of order %d" % (task, self.orders) for task in range(tasks)]
        package = TaskPackage({}, {}, tuple(inputs), NumericClass.TOKEN)
        ref, expires_at = package.put(self.store), self.market.now() + 3_600
        order = Order(
            requester=self.account("requester"), asset=asset, model_id=self.model_id, specs_root=package.specs_root,
            count=tasks, max_units=3, start_price=2 * PRICE, max_price=2 * PRICE, ramp_start=0, ramp_seconds=0,
            replicas=replicas, audit_ppm=500_000, post_seconds=POST_SECONDS, task_seconds=1,
            challenge_seconds=CHALLENGE_SECONDS, tier=0, flags=0, recipient_key=NOBODY, matcher=NOBODY,
            providers_root=NOBODY, tip=1_001, config=0, expires_at=expires_at,
            nonce=nonce_of(expires_at, self.orders >> 8, self.orders & 255),
        )  # fmt: skip
        order = replace(order, **changes)
        digest = order.digest(self.market.domain)
        signature = self.accounts["requester"].sign_digest(digest)
        self.pools.publish(OrderEnvelope(order, signature, ref, (self.store_url,)))
        return digest

    def random_orders(self, count: int, chance: random.Random) -> list[bytes]:
        """Publish orders of 1 to 3 replicas in either asset."""
        return [
            self.order(chance.randint(1, 3), chance.randint(1, 4), chance.choice(self.assets)) for _ in range(count)
        ]


@contextmanager
def chaos_network(kind: str | None = None, interval: int | None = 1) -> Iterator[Network]:
    """A network on a node of a kind; `interval`: seconds between anvil's blocks, None: one for every transaction."""
    with memory_folder() as folder, ExitStack() as stack:
        company = Company(folder)
        stack.callback(company.end)
        node, url = _start_node(kind or node_kind(), company, stack)
        store_port, pool_port = free_port(), free_port()
        store = {"STUN_BLOBS_URL": str(folder / "blobs"), "STUN_BLOBS_PORT": str(store_port)}
        company.start("store", "stun.storage.server", env=store)
        network = _set_up(folder, node, url, f"http://{HOST}:{pool_port}", f"http://{HOST}:{store_port}")
        company.start("pool", "stun.pool.server", env=_pool(network, pool_port))
        company.wait_for_http("store", network.store_url)
        company.wait_for_http("pool", network.pool_url)
        if node is not None and interval is not None:
            network.request("evm_setIntervalMining", interval)
        stack.callback(network.pools.close)
        yield network


def _start_node(kind: str, company: Company, stack: ExitStack) -> tuple[AnvilNode | None, str]:
    if kind == "anvil":
        node = stack.enter_context(anvil())
        return node, node.url
    port = free_port()
    company.start("chain", "stun.chains.evm.embedded_server", ["--port", str(port), "--block-seconds", "0.5"])
    company.wait_for_http("chain", f"http://{HOST}:{port}")
    return None, f"http://{HOST}:{port}"


def _pool(network: Network, port: int) -> dict[str, str]:
    return {
        "STUN_POOL_PORT": str(port), "STUN_POOL_DATABASE": f"sqlite:///{network.folder / 'pool.db'}",
        "STUN_POOL_DEPLOYMENT": str(network.deployment), "STUN_POOL_RPC_URLS": json.dumps([network.url]),
        "STUN_POOL_SWEEP_SECONDS": "1", "STUN_POOL_REQUESTS_PER_SECOND": "10000", "STUN_POOL_BURST": "10000",
    }  # fmt: skip


def _set_up(folder: Path, node: AnvilNode | None, url: str, pool_url: str, store_url: str) -> Network:
    accounts = {name: from_key(key) for name, key in named_keys().items() if name in ("deployer", *PARTIES)}
    reader = ChainReader([connect(url)])
    plan = development_plan()
    deployer = Sender(accounts["deployer"], reader, IntentStore.open(folder / "deployer.db"), poll=0.02)
    file = MarketDeployment(deployer, reader, replace(plan, values={**plan.values, **_WINDOWS})).run("chaos")
    deployment = deployments.path_of("chaos", file.chain_id, folder)
    deployments.save(file, deployment)
    market = EvmMarket(reader, contracts_of(file))
    manifest = sha256(b"a model that shouts").digest()
    model = model_id(widen(accounts["creator"].address), manifest)
    usdc = widen(file.address("Usdc6"))
    network = Network(folder, url, node, deployment, pool_url, store_url, market, accounts, model, usdc)
    _fund(network, deployer)
    creator = network.writer("creator")
    creator.wait(creator.register_model("model", manifest, NOBODY, NOBODY, NumericClass.TOKEN))
    return network


def _fund(network: Network, deployer: Sender) -> None:
    """Tokens for everybody, deposits of requester and providers, stakes of providers."""
    transfer, mint = interface("StunToken").function("transfer"), interface("Usdc6").function("mint")
    coin, token = network.usdc[-20:], network.market.contracts.token
    for name in PARTIES:
        address = network.accounts[name].address
        deployer.wait(deployer.submit(f"stun:{name}", token, transfer.encode(address, 2 * FREE)))
        deployer.wait(deployer.submit(f"usdc:{name}", coin, mint.encode(address, FREE)))
    for name in ("requester", *PROVIDERS):
        writer = network.writer(name)
        for asset in network.assets:
            writer.wait(writer.deposit(f"deposit:{asset.hex()}", asset, FREE, writer.account))
        if name in PROVIDERS:
            writer.wait(writer.stake("stake", 10**12))


def phases(network: Network, batches: Sequence[bytes]) -> list[int]:
    """The stored phase of each batch, 0 where the chain has none."""
    records = (network.market.batch(batch_id) for batch_id in batches)
    return [0 if record is None else int(record.phase) for record in records]

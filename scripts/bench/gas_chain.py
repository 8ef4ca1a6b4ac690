"""A market on a real node, and what each transaction on it costs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from stun.chains.evm.accounts import EvmAccount
from stun.chains.evm.beacon import EvmBeacon
from stun.chains.evm.intents import IntentStore
from stun.chains.evm.market import EvmMarket
from stun.chains.evm.market_contracts import contracts_of, interface
from stun.chains.evm.market_deploy import MarketDeployment, development_plan
from stun.chains.evm.market_writer import EvmMarketWriter
from stun.chains.evm.nodes import Node, NodeUnavailable, anvil, anvil_binary, embedded_chain, funded_accounts
from stun.chains.evm.rpc import ChainReader
from stun.chains.evm.sender import Sender
from stun.chains.interface import Intent
from stun.protocol.messages import Message

STUN = 10**9
POCKET = 10**6 * STUN
DEPOSIT = 10**5 * STUN
STAKE = 1_000 * STUN
POLL_SECONDS = 0.002


@dataclass(frozen=True, slots=True)
class Party:
    """An account with its writer."""

    account: EvmAccount
    writer: EvmMarketWriter

    @property
    def id(self) -> bytes:
        """The account in 32 bytes."""
        return self.writer.account


@dataclass
class GasChain:
    """A deployed market. `gas` holds what was spent, by the name of the action; `code_bytes` by contract."""

    node: Node
    market: EvmMarket
    beacon: EvmBeacon
    parties: list[Party]
    gas: dict[str, int] = field(default_factory=dict)
    code_bytes: dict[str, int] = field(default_factory=dict)
    _keys: Iterator[int] = field(default_factory=count)

    @property
    def requester(self) -> Party:
        """Who pays."""
        return self.parties[1]

    @property
    def providers(self) -> list[Party]:
        """Three of them."""
        return self.parties[2:5]

    @property
    def matcher(self) -> Party:
        """Who opens batches."""
        return self.parties[5]

    @property
    def settler(self) -> Party:
        """Who delivers, resolves and ends batches."""
        return self.parties[6]

    @property
    def creator(self) -> Party:
        """Whose model it is."""
        return self.parties[7]

    @property
    def newcomer(self) -> Party:
        """Somebody who never used the market."""
        return self.parties[8]

    def key(self) -> str:
        """Return a key that no intent had before."""
        return f"gas:{next(self._keys)}"

    def spend(self, name: str, party: Party, intent: Intent) -> int:
        """Wait for a transaction and note its gas under a name; return it."""
        done = party.writer.wait(intent)
        assert done.gas_used is not None, "an included transaction has a receipt"
        self.gas[name] = done.gas_used
        return done.gas_used

    def sign(self, party: Party, message: Message) -> bytes:
        """Return a party's signature of a message."""
        return party.account.sign_digest(message.digest(self.market.domain))


def digest(text: str) -> bytes:
    """Return 32 bytes that look like a hash and are the same in every run."""
    return sha256(text.encode()).digest()


@contextmanager
def node_of(kind: str) -> Iterator[Node]:
    """Start a node: `anvil`, `embedded`, or `auto` for anvil where it is installed. Errors: NodeUnavailable."""
    if kind == "auto":
        kind = "anvil" if _anvil_is_there() else "embedded"
    if kind == "embedded":
        yield embedded_chain()
        return
    with anvil() as node:
        yield node


def _anvil_is_there() -> bool:
    try:
        anvil_binary()
    except NodeUnavailable:
        return False
    return True


@contextmanager
def gas_chain(kind: str = "auto") -> Iterator[GasChain]:
    """Deploy a market on a node of a kind, give every party STUN, and end the node afterwards."""
    with node_of(kind) as node, TemporaryDirectory() as folder:
        reader = ChainReader([node.endpoint()])
        intents = IntentStore.open(Path(folder) / "intents.db")
        accounts = funded_accounts()
        senders = [Sender(account, reader, intents, poll=POLL_SECONDS) for account in accounts]
        file = MarketDeployment(senders[0], reader, development_plan()).run("gas")
        market = EvmMarket(reader, contracts_of(file))
        writers = [EvmMarketWriter(sender, market) for sender in senders]
        parties = [Party(*pair) for pair in zip(accounts, writers, strict=True)]
        chain = GasChain(node, market, EvmBeacon(reader, file.address("Beacon")), parties)
        for name, record in file.contracts.items():
            receipt = node.w3.eth.get_transaction_receipt(bytes.fromhex(record.transaction[2:]))  # type: ignore[arg-type]
            chain.gas[f"deploy_{name}"] = int(receipt["gasUsed"])
            chain.code_bytes[name] = len(node.w3.eth.get_code(record.address))  # type: ignore[arg-type]
        _fund(chain, senders[0])
        yield chain


def _fund(chain: GasChain, deployer: Sender) -> None:
    transfer = interface("StunToken").function("transfer")
    for party in chain.parties[1:]:
        data = transfer.encode(party.account.address, POCKET)
        deployer.wait(deployer.submit(chain.key(), chain.market.contracts.token, data))

"""A devnet's contracts and accounts: deployed once, funded with test coins, their public keys written down."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from eth_account import Account

from stun.chains.evm import deployments
from stun.chains.evm.accounts import EvmAccount, from_key
from stun.chains.evm.addresses import widen
from stun.chains.evm.deployments import DeploymentFile
from stun.chains.evm.devnet import DevnetRecord
from stun.chains.evm.endpoint import connect
from stun.chains.evm.intents import IntentStore
from stun.chains.evm.market import EvmMarket
from stun.chains.evm.market_contracts import contracts_of, interface
from stun.chains.evm.market_deploy import MarketDeployment, development_plan
from stun.chains.evm.market_writer import EvmMarketWriter
from stun.chains.evm.nodes import MNEMONIC, AnvilNode
from stun.chains.evm.rpc import ChainReader
from stun.chains.evm.sender import Sender

PROVIDERS = ("provider-1", "provider-2", "provider-3")
NAMES = ("deployer", "requester", "creator", *PROVIDERS, "matcher", "settler", "guest-1", "guest-2")
STUN, USDC = 10**9, 10**6
WALLET_TOKENS, FREE_TOKENS, STAKED = 1_000_000, 200_000, 10_000
WARNING = "These keys are public knowledge: whoever sends real money to these accounts loses it."
_PATH = "m/44'/60'/0'/0/{}"
Tell = Callable[[str], None]


def named_keys() -> dict[str, bytes]:
    """The private keys of the public test mnemonic by name."""
    Account.enable_unaudited_hdwallet_features()
    paths = {name: _PATH.format(index) for index, name in enumerate(NAMES)}
    return {name: bytes(Account.from_mnemonic(MNEMONIC, account_path=path).key) for name, path in paths.items()}


def write_accounts(folder: Path) -> Path:
    """Write the accounts' file, readable by its owner only."""
    accounts = {
        name: {"address": from_key(key).checksum_address, "key": "0x" + key.hex()} for name, key in named_keys().items()
    }
    path = folder / "accounts.json"
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump({"warning": WARNING, "accounts": accounts}, file, indent=2)
    return path


def set_up(folder: Path, chain: DevnetRecord, tell: Tell) -> Path:
    """Deploy and fund, or find that it was done; return the deployment file's path. Errors: ChainError."""
    path = deployments.path_of("devnet", chain.chain_id, folder)
    reader = ChainReader([connect(chain.url)])
    if path.is_file():
        file = deployments.load(path)
        if reader.view().code(file.address("Marketplace")):
            return path
        tell("the chain was reset: deploying again")
        (folder / "intents.db").unlink(missing_ok=True)
    intents = IntentStore.open(folder / "intents.db")
    accounts = {name: from_key(key) for name, key in named_keys().items()}
    with _mining_at_once(chain):
        file = MarketDeployment(
            Sender(accounts["deployer"], reader, intents, poll=0.02), reader, development_plan(), tell
        ).run("devnet")
        _Funding(reader, file, intents, accounts).run(tell)
    deployments.save(file, path)
    return path


class _Funding:
    """Test coins for everybody; stake and free balance for the providers. Run again, it goes on where it stopped."""

    def __init__(
        self, reader: ChainReader, file: DeploymentFile, intents: IntentStore, accounts: dict[str, EvmAccount]
    ) -> None:
        self._market = EvmMarket(reader, contracts_of(file))
        self._coin = file.address("Usdc6")
        self._senders = {name: Sender(key, reader, intents, poll=0.02) for name, key in accounts.items()}

    def run(self, tell: Tell) -> None:
        """Fund all."""
        tell(f"funding {len(self._senders)} accounts with test coins")
        deployer = self._senders["deployer"]
        transfer, mint = interface("StunToken").function("transfer"), interface("Usdc6").function("mint")
        for name, sender in self._senders.items():
            if name != "deployer":
                data = transfer.encode(sender.account, WALLET_TOKENS * STUN)
                deployer.wait(deployer.submit(f"fund:stun:{name}", self._market.contracts.token, data))
            data = mint.encode(sender.account, WALLET_TOKENS * USDC)
            deployer.wait(deployer.submit(f"fund:usdc:{name}", self._coin, data))
        for name in PROVIDERS:
            self._prepare(name)

    def _prepare(self, name: str) -> None:
        writer = EvmMarketWriter(self._senders[name], self._market)
        writer.wait(writer.stake("fund:stake", STAKED * STUN))
        for asset, unit in ((self._market.stun, STUN), (widen(self._coin), USDC)):
            writer.wait(writer.deposit(f"fund:deposit:{asset.hex()[-8:]}", asset, FREE_TOKENS * unit, writer.account))


@contextmanager
def _mining_at_once(chain: DevnetRecord) -> Iterator[None]:
    """A block for every transaction while contracts are deployed; afterwards one every second again."""
    node = AnvilNode(chain.url, chain.port, chain.chain_id, chain.pid, connect(chain.url).w3)
    node.request("evm_setAutomine", True)
    try:
        yield
    finally:
        node.request("evm_setIntervalMining", 1)

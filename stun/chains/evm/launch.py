"""Bringing a market onto a chain: seen beforehand, rehearsed, done once, compared, and written down.

A folder deployments/<network>/ holds <chain>.json, the record, and <chain>.intents.db, what was signed: run again
after a crash, a launch goes on where it stopped.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from stun.chains.evm import deployments
from stun.chains.evm.accounts import EvmAccount
from stun.chains.evm.artifacts import ArtifactStore
from stun.chains.evm.building import WAIT_SECONDS, PaperSite, PlannedStep
from stun.chains.evm.deployments import DeploymentFile
from stun.chains.evm.intents import IntentStore
from stun.chains.evm.market_deploy import MarketDeployment, Plan, lay_out
from stun.chains.evm.nodes import embedded_chain, funded_accounts
from stun.chains.evm.rpc import ChainReader
from stun.chains.evm.sender import Sender
from stun.chains.evm.verified_market import inspect_market
from stun.chains.interface import ChainError, Intent, IntentState

_ENDED_BADLY = (IntentState.FAILED, IntentState.REPLACED)
Tell = Callable[[str], None]


class LaunchRefused(ChainError):
    """This would not do what is wanted; nothing was sent."""


class PersistentSender(Sender):
    """A sender that sends what failed in an earlier run once more: a launch is only useful whole."""

    def submit(self, key: str, to: bytes | None, data: bytes, value: int = 0) -> Intent:
        """As Sender.submit, which keeps a failure for ever."""
        known = self.find(key)
        intent = super().submit(key, to, data, value)
        if known is not None and intent.state in _ENDED_BADLY:
            return self.retry(intent)
        return intent


def rehearse(plan: Plan) -> list[int]:
    """Deploy a plan on a chain in this process; return the gas of each step. Errors: as MarketDeployment.run."""
    with TemporaryDirectory() as folder:
        reader = ChainReader([embedded_chain().endpoint()])
        sender = Sender(funded_accounts(1)[0], reader, IntentStore.open(Path(folder) / "intents.db"), poll=0.001)
        file = MarketDeployment(sender, reader, plan).run("rehearsal")
        transactions = [item.transaction for item in file.contracts.values()]
        transactions += [call.transaction for call in file.calls]
        receipts = [reader.receipt(bytes.fromhex(text[2:])) for text in transactions]
        found = [receipt for receipt in receipts if receipt is not None]
        return [receipt.gas_used for receipt in sorted(found, key=lambda receipt: receipt.block_number)]


@dataclass(frozen=True)
class Launch:
    """One market for one network: `folder` holds deployments/; `timeout` in seconds for each transaction."""

    network: str
    reader: ChainReader
    plan: Plan
    folder: Path = deployments.ROOT
    timeout: float = WAIT_SECONDS

    @property
    def path(self) -> Path:
        """Where the record stands, or will."""
        return deployments.path_of(self.network, self.reader.chain_id, self.folder)

    @property
    def database(self) -> Path:
        """What was signed."""
        return self.path.with_suffix(".intents.db")

    def steps(self, account: bytes, *, anew: bool = False) -> list[PlannedStep]:
        """Every transaction with its nonce and address, beforehand; `anew` takes nothing as done.

        Errors: ChainError, LaunchRefused.
        """
        self._check_assets()
        intents = IntentStore.open(self.database) if self.database.is_file() and not anew else None
        chain, nonce = self.reader.chain_id, self.reader.view().nonce(account)

        def find(key: str) -> Intent | None:
            return None if intents is None else intents.find(chain, account, key)

        following = nonce if intents is None else intents.next_nonce(chain, account, nonce)
        site = PaperSite(account, following, ArtifactStore(), find)
        lay_out(site, self.plan)
        return site.steps

    def run(self, account: EvmAccount, tell: Tell) -> DeploymentFile:
        """Send what is missing, wait until all is final, compare, write the record.

        Errors: LaunchRefused, Reverted, ChainError; what was sent stays, and the next run goes on.
        """
        missing = [step for step in self.steps(account.address) if not step.done]
        if not missing and self.path.is_file():
            tell("everything was done before")
            file = deployments.load(self.path)
            self._compare(file)
            return file
        if self.path.is_file():
            raise LaunchRefused(
                f"{self.path} records another deployment: choose another network name, or --again to forget it"
            )
        intents = IntentStore.open(self.database)
        sender = PersistentSender(account, self.reader, intents)
        file = MarketDeployment(sender, self.reader, self.plan, tell, self.timeout).run(self.network)
        if self.reader.finality.confirmations or self.reader.finality.tag:
            tell("waiting until everything is final")
            for intent in intents.open_intents(self.reader.chain_id, account.address):
                sender.wait(intent, IntentState.FINAL, self.timeout)
            file = MarketDeployment(sender, self.reader, self.plan, timeout=self.timeout).run(self.network)
        self._compare(file)
        deployments.save(file, self.path)
        return file

    def forget(self) -> None:
        """Forget an earlier launch of this network and chain; its contracts stay where they are."""
        for path in (self.path, *self.database.parent.glob(f"{self.database.name}*")):
            path.unlink(missing_ok=True)

    def _compare(self, file: DeploymentFile) -> None:
        for wrong in inspect_market(file, self.reader).mismatches:
            raise ChainError(f"not what was meant: {wrong.contract} {wrong.what}: {wrong.found}, not {wrong.expected}")

    def _check_assets(self) -> None:
        view = self.reader.view()
        for asset in self.plan.assets:
            if asset not in ("stun", "usdc") and not view.code(bytes.fromhex(asset.removeprefix("0x"))):
                raise LaunchRefused(f"there is no token at {asset} on chain {self.reader.chain_id}")

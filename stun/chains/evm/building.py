"""Where a market is laid out: on a chain by transactions, or on paper, to see beforehand what it will take.

Both sites give every step the same idempotency key, so that a plan knows which steps an earlier run has done.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from stun.chains.evm.addresses import contract_address
from stun.chains.evm.artifacts import ArtifactStore
from stun.chains.evm.deployments import Called, Deployed, check_code_size, deploy, deploy_key
from stun.chains.evm.rpc import ChainReader
from stun.chains.interface import ChainError, Intent, IntentState, TransactionSender

WAIT_SECONDS = 120.0
_TO_SEND_ANEW = (IntentState.FAILED, IntentState.REPLACED)


class Site(Protocol):
    """Where contracts are created and called, one step after the other."""

    @property
    def account(self) -> bytes:
        """The address that does it."""

    def prepare(self, contracts: Iterable[str]) -> None:
        """Get the contracts that will be asked for ready, all at once."""

    def create(self, contract: str, *arguments: Any) -> bytes:
        """Create a contract; return its address."""

    def call(self, contract: str, function: str, *arguments: Any, label: str = "") -> None:
        """Call a contract created here; `label` tells two calls of one function apart."""


def _call_key(target: bytes, function: str, label: str) -> str:
    return f"wire:{target.hex()}:{function}:{label}"


class ChainSite:
    """Implements Site by sending; what an earlier run did is found, not done again.

    `timeout` in seconds for each transaction. Errors of both acts: CodeTooLarge, Reverted, ChainError.
    """

    def __init__(
        self,
        sender: TransactionSender,
        reader: ChainReader,
        tell: Callable[[str], None],
        artifacts: ArtifactStore,
        timeout: float = WAIT_SECONDS,
    ) -> None:
        self._sender = sender
        self._reader = reader
        self._tell = tell
        self._artifacts = artifacts
        self._timeout = timeout
        self.deployed: dict[str, Deployed] = {}
        self.called: list[Called] = []

    @property
    def account(self) -> bytes:
        """The address that pays and signs."""
        return self._sender.account

    def prepare(self, contracts: Iterable[str]) -> None:
        """Compile what the cache lacks."""
        self._artifacts.build(contracts)

    def create(self, contract: str, *arguments: Any) -> bytes:
        """Deploy and wait."""
        self._tell(f"deploying {contract}")
        done = deploy(self._sender, self._reader, contract, arguments, artifacts=self._artifacts, timeout=self._timeout)
        self.deployed[contract] = done
        return done.address

    def call(self, contract: str, function: str, *arguments: Any, label: str = "") -> None:
        """Send and wait."""
        self._tell(f"{contract}.{function} {label}".rstrip())
        target = self.deployed[contract].address
        data = self._artifacts.load(contract).interface.function(function).encode(*arguments)
        intent = self._sender.submit(_call_key(target, function, label), target, data)
        intent = self._sender.wait(intent, timeout=self._timeout)
        if intent.block_number is None or intent.landed is None:
            raise ChainError(f"{contract}.{function}: included in no block")
        self.called.append(Called(contract, function, arguments, intent.block_number, intent.landed))


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One transaction of a plan; `created` is the new contract's address, None for a call; `done`: on the chain."""

    nonce: int
    contract: str
    function: str | None
    label: str
    arguments: tuple[Any, ...]
    to: bytes | None
    created: bytes | None
    data: bytes
    done: bool


class PaperSite:
    """Implements Site without a key, a chain or a cost: it writes the steps down, with nonces and addresses.

    `nonce` is the account's next one; `find` returns the intent with a key, so that what is under way keeps its nonce.
    """

    def __init__(
        self, account: bytes, nonce: int, artifacts: ArtifactStore, find: Callable[[str], Intent | None]
    ) -> None:
        self._account = account
        self._next = nonce
        self._artifacts = artifacts
        self._find = find
        self._addresses: dict[str, bytes] = {}
        self.steps: list[PlannedStep] = []

    @property
    def account(self) -> bytes:
        """The address that would pay and sign."""
        return self._account

    def prepare(self, contracts: Iterable[str]) -> None:
        """Compile what the cache lacks."""
        self._artifacts.build(contracts)

    def create(self, contract: str, *arguments: Any) -> bytes:
        """Write a creation down. Errors: CodeTooLarge."""
        artifact = self._artifacts.load(contract)
        check_code_size(artifact)
        data = artifact.deploy_bytecode + artifact.interface.encode_constructor(arguments)
        nonce, known = self._nonce(deploy_key(contract, data))
        created = (known and known.created) or contract_address(self._account, nonce)
        self._addresses[contract] = created
        self.steps.append(
            PlannedStep(nonce, contract, None, "", arguments, None, created, data, bool(known and known.landed))
        )
        return created

    def call(self, contract: str, function: str, *arguments: Any, label: str = "") -> None:
        """Write a call down."""
        target = self._addresses[contract]
        data = self._artifacts.load(contract).interface.function(function).encode(*arguments)
        nonce, known = self._nonce(_call_key(target, function, label))
        done = bool(known and known.landed)
        self.steps.append(PlannedStep(nonce, contract, function, label, arguments, target, None, data, done))

    def _nonce(self, key: str) -> tuple[int, Intent | None]:
        """The nonce a step has or will have, and its intent unless that has to be sent anew."""
        intent = self._find(key)
        if intent is not None and intent.nonce is not None and intent.state not in _TO_SEND_ANEW:
            return intent.nonce, intent
        self._next += 1
        return self._next - 1, None

"""Local nodes: the chain embedded in this process and anvil as a process of its own.

Both serve loopback only and give the same funded accounts' keys, which are public knowledge: never use them elsewhere.
"""

import ast
import os
import platform
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from eth_abi.abi import encode
from web3 import EthereumTesterProvider, Web3
from web3.types import RPCEndpoint, RPCError, RPCResponse

from stun.chains.evm.accounts import EvmAccount, from_key
from stun.chains.evm.endpoint import Endpoint, Retry, connect
from stun.chains.evm.errors import ERROR_STRING
from stun.chains.interface import ChainError

ROOT = Path(__file__).resolve().parents[3]
HOST = "127.0.0.1"
CHAIN_ID = 31_337
MNEMONIC = "test test test test test test test test test test test junk"
_HD_PATH = "m/44'/60'/0'/0"
_NONCES = re.compile(r"Expected (\d+), but got (\d+)")
_GAS_LIMIT = 1_000_000_000
_START_SECONDS = 20.0


class NodeUnavailable(ChainError):
    """A node cannot be started; the message says what to install or what it printed."""


class Node(Protocol):
    """What tests and the demo need of a local node, whichever it is."""

    @property
    def w3(self) -> Web3:
        """The node's web3."""

    def endpoint(self) -> Endpoint:
        """The node as an endpoint of a ChainReader."""

    def mine(self, blocks: int = 1) -> None:
        """Add blocks."""

    def travel(self, seconds: int) -> None:
        """Let the chain's clock jump and mine a block."""


def funded_accounts(count: int = 10) -> list[EvmAccount]:
    """The first accounts of the public test mnemonic; both kinds of node fund ten of them."""
    from eth_account import Account

    Account.enable_unaudited_hdwallet_features()
    paths = [f"{_HD_PATH}/{index}" for index in range(count)]
    return [from_key(bytes(Account.from_mnemonic(MNEMONIC, account_path=path).key)) for path in paths]


class _SerialProvider(EthereumTesterProvider):
    """eth-tester as a node would answer: one request at a time, refusals as JSON-RPC errors.

    Simulations come from accounts without funds too: they bid no fee, which the chain's zero base fee allows.
    """

    def __init__(self, tester: Any) -> None:
        super().__init__(tester)
        self._serial = threading.RLock()

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        from eth_tester.exceptions import TransactionFailed
        from eth_tester.exceptions import ValidationError as RequestInvalid
        from eth_utils.exceptions import ValidationError

        if method in ("eth_call", "eth_estimateGas"):
            params = [{"gas_price": 0, **params[0]}, *params[1:]]
        with self._serial:
            try:
                return super().make_request(method, params)
            except TransactionFailed as error:
                return _revert(str(error.args[0]).removeprefix("execution reverted: "))
            except (ValidationError, RequestInvalid) as error:
                return _refusal(-32000, str(error))


def _revert(said: str) -> RPCResponse:
    """A revert as nodes answer it, its data restored from what eth-tester said: a reason, or the repr of bytes."""
    raw = re.fullmatch(r"b(['\"]).*\1", said, re.DOTALL)
    data = ast.literal_eval(said) if raw else ERROR_STRING + encode(["string"], [said])
    error: RPCError = {"code": 3, "message": "execution reverted", "data": "0x" + data.hex()}
    return {"jsonrpc": "2.0", "id": 0, "error": error}


def _refusal(code: int, message: str) -> RPCResponse:
    nonces = _NONCES.search(message)
    if nonces is not None:
        message = "nonce too low" if int(nonces[2]) < int(nonces[1]) else "nonce too high"
    return {"jsonrpc": "2.0", "id": 0, "error": {"code": code, "message": message}}


@dataclass(frozen=True, slots=True)
class EmbeddedChain:
    """eth-tester on py-evm in this process: Prague, a block for every transaction, nothing kept."""

    w3: Web3
    tester: Any

    def endpoint(self) -> Endpoint:
        """The chain as an endpoint; it cannot read by block hash, so reads check the hash afterwards."""
        return Endpoint(self.w3, "embedded", Retry(attempts=1), by_hash=False)

    def mine(self, blocks: int = 1) -> None:
        """Add empty blocks."""
        self.tester.mine_blocks(blocks)

    def travel(self, seconds: int) -> None:
        """Let the chain's clock jump and mine a block."""
        target = int(self.w3.eth.get_block("latest")["timestamp"]) + seconds
        self.tester.time_travel(target + 1)  # mines a block one second before the time it is given


def embedded_chain(gas_limit: int = _GAS_LIMIT) -> EmbeddedChain:
    """A new chain in this process with ten funded accounts; `gas_limit` of a block."""
    from eth_tester import EthereumTester, PyEVMBackend

    from stun.chains.evm.embedded_gas import estimate

    parameters = PyEVMBackend.generate_genesis_params(overrides={"gas_limit": gas_limit})
    parameters["base_fee_per_gas"] = 0
    tester = EthereumTester(
        PyEVMBackend.from_mnemonic(MNEMONIC, genesis_parameters=parameters, num_accounts=10, hd_path=_HD_PATH)
    )
    tester.backend.chain.gas_estimator = estimate
    return EmbeddedChain(Web3(_SerialProvider(tester)), tester)


def anvil_binary() -> Path:
    """Where anvil is: node_modules of this project, else the PATH. Errors: NodeUnavailable."""
    machine = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
    package = f"anvil-{platform.system().lower()}-{machine.get(platform.machine().lower(), 'unknown')}"
    local = ROOT / "node_modules" / "@foundry-rs" / package / "bin" / "anvil"
    if local.is_file():
        return local
    found = shutil.which("anvil")
    if found is None:
        raise NodeUnavailable("anvil is not installed: run `npm ci` in the project's root (needs Node 20 or newer)")
    return Path(found)


def free_port() -> int:
    """A TCP port of the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class AnvilNode:
    """A running anvil. `pid` is the process to end; `url` is on the loopback."""

    url: str
    port: int
    chain_id: int
    pid: int
    w3: Web3 = field(repr=False)

    def endpoint(self) -> Endpoint:
        """The node as an endpoint of a ChainReader."""
        return connect(self.url)

    def mine(self, blocks: int = 1) -> None:
        """Add blocks; pending transactions go into the first."""
        self.request("anvil_mine", hex(blocks))

    def travel(self, seconds: int) -> None:
        """Let the chain's clock jump and mine a block."""
        self.request("evm_increaseTime", seconds)
        self.mine()

    def request(self, method: str, *params: Any) -> Any:
        """A raw JSON-RPC request (anvil_*, evm_*). Errors: ChainError with the node's words."""
        answer = self.w3.provider.make_request(RPCEndpoint(method), list(params))
        if "error" in answer:
            raise ChainError(f"{method}: {answer['error']}")
        return answer.get("result")


def anvil_command(
    port: int,
    chain_id: int = CHAIN_ID,
    hardfork: str = "prague",
    block_time: int | None = None,
    state: Path | None = None,
    extra: tuple[str, ...] = (),
) -> list[str]:
    """The command line; `block_time` in seconds (None: a block for every transaction), `state` a file to keep."""
    command = [
        str(anvil_binary()),
        "--host",
        HOST,
        "--port",
        str(port),
        "--chain-id",
        str(chain_id),
        "--hardfork",
        hardfork,
        "--mnemonic",
        MNEMONIC,
        "--quiet",
    ]
    if block_time is not None:
        command += ["--block-time", str(block_time)]
    if state is not None:
        command += ["--state", str(state)]
    return [*command, *extra]


def wait_until_ready(process: "subprocess.Popen[bytes]", port: int, chain_id: int, log: Path | None) -> AnvilNode:
    """The node once it answers; ends the process and raises NodeUnavailable when it does not in time."""
    url = f"http://{HOST}:{port}"
    w3 = connect(url).w3
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if w3.is_connected() and w3.eth.chain_id == chain_id:
            return AnvilNode(url, port, chain_id, process.pid, w3)
        time.sleep(0.02)
    process.kill()
    process.wait()
    said = log.read_text(errors="replace")[-500:] if log is not None and log.is_file() else ""
    raise NodeUnavailable(f"anvil did not start on port {port} (exit code {process.returncode}): {said}")


@contextmanager
def anvil(
    *,
    chain_id: int = CHAIN_ID,
    hardfork: str = "prague",
    port: int | None = None,
    block_time: int | None = None,
    state: Path | None = None,
    extra: tuple[str, ...] = (),
) -> Iterator[AnvilNode]:
    """An anvil that ends with the block. Errors: NodeUnavailable."""
    chosen = port or free_port()
    command = anvil_command(chosen, chain_id, hardfork, block_time, state, extra)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ))
    try:
        yield wait_until_ready(process, chosen, chain_id, None)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

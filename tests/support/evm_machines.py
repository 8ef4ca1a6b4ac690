"""Two machines that run EVM bytecode in this process, behind one interface: titanoboa's and revm.

Both take the same compiled artifacts and raw calldata, so that a test may run on either. The clock is set by hand.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import boa
import pyrevm

from stun.chains.evm.endpoint import Log
from stun.chains.evm.errors import decode_revert

GAS = 16_000_000
PYREVM_CHAIN_ID = 1
_NO_BLOCK = bytes(32)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call came to: `reason` is None if it went through, else the revert reason; gas of the execution alone."""

    reason: str | None
    output: bytes
    logs: tuple[Log, ...]
    gas: int


class Machine(Protocol):
    """An EVM with a clock."""

    @property
    def chain_id(self) -> int:
        """Its chain id."""

    def set_clock(self, now: int, block: int = 1) -> None:
        """Set the block's time (seconds) and number; the base fee is 0 on both machines."""

    def deploy(self, sender: bytes, code: bytes) -> bytes:
        """Create a contract; return its address (20 bytes)."""

    def send(self, sender: bytes, to: bytes, data: bytes, value: int = 0) -> Outcome:
        """Call a contract, with native coin or without, and keep what it changed."""

    def fund(self, account: bytes, amount: int) -> None:
        """Give an account native coin."""

    def coin_of(self, account: bytes) -> int:
        """Return an account's native coin."""

    def read(self, to: bytes, data: bytes) -> bytes:
        """Call a contract without changing anything. Errors: AssertionError if it reverts."""


def _log(address: bytes, topics: Sequence[bytes], data: bytes, index: int) -> Log:
    return Log(address, tuple(topics), data, 0, _NO_BLOCK, _NO_BLOCK, index)


def _hex(address: bytes) -> str:
    return "0x" + address.hex()


class BoaMachine:
    """titanoboa's EVM (py-evm), an environment of its own."""

    def __init__(self) -> None:
        self._env = boa.Env()
        self._anchored = False

    @property
    def chain_id(self) -> int:
        """Its chain id."""
        return int(self._env.evm.patch.chain_id)

    @contextmanager
    def anchored(self) -> Iterator[None]:
        """Undo at the end what happens within; the clock has to be set again. Gas within counts storage as warm."""
        self._anchored = True
        try:
            with self._env.anchor():
                yield
        finally:
            self._anchored = False

    def set_clock(self, now: int, block: int = 1) -> None:
        """Set the block's time and number."""
        self._env.timestamp = now
        self._env.evm.patch.block_number = block

    def fund(self, account: bytes, amount: int) -> None:
        """Give an account native coin."""
        self._env.set_balance(_hex(account), amount)

    def coin_of(self, account: bytes) -> int:
        """Return an account's native coin."""
        return int(self._env.get_balance(_hex(account)))

    def deploy(self, sender: bytes, code: bytes) -> bytes:
        """Create a contract."""
        address, _ = self._env.deploy_code(sender=_hex(sender), bytecode=code)
        return bytes(address.canonical_address)

    def send(self, sender: bytes, to: bytes, data: bytes, value: int = 0) -> Outcome:
        """Call a contract and keep what it changed."""
        return self._call(sender, to, data, True, value)

    def read(self, to: bytes, data: bytes) -> bytes:
        """Call a contract without changing anything."""
        answer = self._call(bytes(20), to, data, False)
        assert answer.reason is None, f"a view reverted: {answer.reason}"
        return answer.output

    def _call(self, sender: bytes, to: bytes, data: bytes, modifies: bool, value: int = 0) -> Outcome:
        if not self._anchored:  # py-evm forgets its checkpoints with the counters
            self._env.evm.reset_access_counters()
        done = self._env.execute_code(
            to_address=_hex(to), sender=_hex(sender), data=data, value=value, gas=GAS, is_modifying=modifies
        )
        if done.is_error:
            return Outcome(decode_revert(done.output) or repr(done.error), done.output, (), done.get_gas_used())
        entries = enumerate(done.get_log_entries())
        logs = [_log(a, [topic.to_bytes(32, "big") for topic in topics], d, i) for i, (a, topics, d) in entries]
        return Outcome(None, done.output, tuple(logs), done.get_gas_used())


class RevmMachine:
    """revm through pyrevm; about ten times as fast as titanoboa."""

    def __init__(self) -> None:
        self._evm = pyrevm.EVM(spec_id="CANCUN", gas_limit=10**12)

    @property
    def chain_id(self) -> int:
        """Its chain id."""
        return PYREVM_CHAIN_ID

    def set_clock(self, now: int, block: int = 1) -> None:
        """Set the block's time and number."""
        self._evm.set_block_env(pyrevm.BlockEnv(timestamp=now, number=block, gas_limit=10**12))

    def fund(self, account: bytes, amount: int) -> None:
        """Give an account native coin."""
        self._evm.set_balance(_hex(account), amount)

    def coin_of(self, account: bytes) -> int:
        """Return an account's native coin."""
        return int(self._evm.get_balance(_hex(account)))

    def deploy(self, sender: bytes, code: bytes) -> bytes:
        """Create a contract."""
        return bytes.fromhex(self._evm.deploy(_hex(sender), code)[2:])

    def send(self, sender: bytes, to: bytes, data: bytes, value: int = 0) -> Outcome:
        """Call a contract and keep what it changed."""
        return self._call(sender, to, data, value)

    def read(self, to: bytes, data: bytes) -> bytes:
        """Call a contract without changing anything."""
        return bytes(self._evm.message_call(_hex(bytes(20)), _hex(to), calldata=data, is_static=True))

    def _call(self, sender: bytes, to: bytes, data: bytes, value: int) -> Outcome:
        try:
            output = bytes(self._evm.message_call(_hex(sender), _hex(to), calldata=data, value=value, gas=GAS))
        except RuntimeError as failure:
            return self._failed(failure)
        result: Any = self._evm.result
        logs = [
            _log(bytes.fromhex(log.address[2:]), [bytes.fromhex(topic[2:]) for topic in log.topics], log.data[1], i)
            for i, log in enumerate(result.logs)
        ]
        return Outcome(None, output, tuple(logs), int(result.gas_used))

    def _failed(self, failure: RuntimeError) -> Outcome:
        text = str(failure)
        found = re.search("output: 0x([0-9a-f]*)", text)
        raw = bytes.fromhex(found[1]) if found else b""
        result: Any = self._evm.result
        return Outcome(decode_revert(raw) or text, raw, (), int(result.gas_used) if result else 0)

"""A beacon's contract in revm, called with raw calldata, with answers as the specification writes them."""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from beacon_rounds import words
from evm_machines import Outcome, RevmMachine

from stun.chains.evm.artifacts import ROOT, Artifact, compile_source, load
from stun.chains.evm.errors import decode_revert
from stun.protocol.beacon.rounds import Schedule

ANYBODY = b"\x11" * 20


@cache
def beacon_artifact() -> Artifact:
    """The compiled contract."""
    return load("Beacon")


def compiled_with(folder: Path, path: str, old: str, new: str) -> Artifact:
    """The contract compiled in a folder of its own, one text of one source replaced."""
    sources = folder / "contracts"
    shutil.copytree(ROOT / "contracts", sources)
    text = (sources / path).read_text()
    assert text.count(old) == 1
    (sources / path).write_text(text.replace(old, new))
    return compile_source("Beacon", (sources / "Beacon.vy").read_text(), sources, sources / "Beacon.vy")


@dataclass
class DeployedBeacon:
    """A beacon's contract on a machine whose clock the test sets."""

    machine: RevmMachine
    address: bytes
    artifact: Artifact

    def call(self, name: str, *arguments: Any) -> Outcome:
        """Call a function; what it changed is kept."""
        return self.raw(self.artifact.interface.function(name).encode(*arguments))

    def raw(self, data: bytes) -> Outcome:
        """Call with calldata as it is."""
        return self.machine.send(ANYBODY, self.address, data)

    def view(self, name: str, *arguments: Any) -> Any:
        """Return what a view answers."""
        function = self.artifact.interface.function(name)
        return function.decode_output(self.machine.read(self.address, function.encode(*arguments)))

    def submit(self, number: int, signature: bytes, now: int) -> Outcome:
        """Bring a round at a moment."""
        self.machine.set_clock(now)
        return self.call("submit", number, words(signature))

    def verify(self, number: int, signature: bytes) -> Outcome:
        """Verify a round without storing it."""
        return self.call("verify", number, words(signature))

    def due_round(self, now: int) -> int:
        """Return the round that decides about what happens at a moment."""
        self.machine.set_clock(now)
        return int(self.view("due_round"))

    def stored(self, outcome: Outcome) -> list[tuple[int, bytes]]:
        """Return the rounds and randomness of an outcome's events."""
        event = self.artifact.interface.event("RoundStored")
        return [(fields["round"], fields["randomness"]) for fields in map(event.decode, outcome.logs)]


def deploy_beacon(key: bytes, schedule: Schedule, artifact: Artifact | None = None) -> DeployedBeacon:
    """Deploy a beacon on a machine of its own."""
    used, machine = artifact or beacon_artifact(), RevmMachine()
    return DeployedBeacon(machine, machine.deploy(ANYBODY, _creation(used, words(key), schedule)), used)


def deployment_refusal(key: Sequence[int], schedule: Schedule, artifact: Artifact | None = None) -> str | None:
    """Return why the constructor refuses a key of four words and a schedule; None if it does not."""
    try:
        RevmMachine().deploy(ANYBODY, _creation(artifact or beacon_artifact(), key, schedule))
    except RuntimeError as failure:
        found = re.search("output: 0x([0-9a-f]*)", str(failure))
        return (decode_revert(bytes.fromhex(found[1])) if found else None) or str(failure)
    return None


def _creation(artifact: Artifact, key: Sequence[int], schedule: Schedule) -> bytes:
    fields = (schedule.genesis, schedule.period_seconds, schedule.delay_seconds, schedule.stride)
    return artifact.deploy_bytecode + artifact.interface.encode_constructor([list(key), *fields])

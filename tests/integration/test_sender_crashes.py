"""The sender killed with -9 at every step: one action, one transaction."""

import os
import signal
import subprocess
import sys

import pytest

from stun.chains.evm.artifacts import ROOT
from stun.chains.interface import IntentState
from tests.integration.conftest import Bench, anvil_of
from tests.support.evm_counter import count_data, total_of

pytestmark = pytest.mark.integration


def _sent(bench: Bench) -> int:
    return bench.reader.view().nonce(bench.keeper.address)


def _crash(bench: Bench, step: str, times: int = 1) -> int:
    call = [bench.counter.hex(), count_data(1).hex(), "post:9"]
    arguments = [anvil_of(bench).url, str(bench.database), *call, step, str(times)]
    script = ROOT / "tests" / "support" / "crashing_sender.py"
    done = subprocess.run(
        [sys.executable, str(script), *arguments], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False, timeout=60
    )
    return done.returncode


@pytest.mark.parametrize("step", ["planned", "simulated", "signed", "sent", "broadcast", "included"])
def test_a_sender_killed_at_any_step_acts_exactly_once(anvil_bench: Bench, step: str) -> None:
    assert _crash(anvil_bench, step) == -signal.SIGKILL
    intent = anvil_bench.sender.wait(anvil_bench.sender.submit("post:9", anvil_bench.counter, count_data(1)))
    assert len(intent.signed) == 1
    assert (_sent(anvil_bench), total_of(anvil_bench.reader, anvil_bench.counter)) == (1, 1)


def test_a_sender_killed_at_every_step_in_turn_acts_exactly_once(anvil_bench: Bench) -> None:
    for step in ("planned", "simulated", "signed", "sent"):
        assert _crash(anvil_bench, step) == -signal.SIGKILL
    anvil_of(anvil_bench).mine(4)
    (ended,) = anvil_bench.sender.tick()
    assert (ended.state, len(ended.signed)) == (IntentState.FINAL, 1)
    assert (_sent(anvil_bench), total_of(anvil_bench.reader, anvil_bench.counter)) == (1, 1)


def test_a_sender_killed_while_it_bumps_acts_exactly_once(anvil_bench: Bench) -> None:
    anvil_of(anvil_bench).request("evm_setAutomine", False)
    assert _crash(anvil_bench, "signed", times=2) == -signal.SIGKILL
    intent = anvil_bench.sender.find("post:9")
    assert intent is not None
    assert len(intent.signed) == 2
    anvil_of(anvil_bench).mine()
    (moved,) = anvil_bench.sender.tick()
    assert (moved.state, moved.landed) == (IntentState.INCLUDED, intent.signed[0].hash)
    assert (_sent(anvil_bench), total_of(anvil_bench.reader, anvil_bench.counter)) == (1, 1)

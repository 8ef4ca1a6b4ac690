"""A requester checks a batch by the command alone: chain, pool, store, keepers and providers as processes.

One provider computes with coarser weights; its outputs are sealed to the requester, who finds out and goes to the
court. An honest batch is right, also for somebody who cannot read its outputs.
"""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from command_line import CommandLine
from court_model import small_model, words_of
from exact_record import manifest_of

from stun.chains.evm.accounts import from_key
from stun.cli.devnet_setup import named_keys
from stun.protocol.graph.file import encode_graph

pytestmark = pytest.mark.e2e
PRICE = 500 * 10**9
TASKS = 3
ALMOST_DUE = 105  # a trace is due after a devnet's ten seconds and twice an order's minute for a task


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """A devnet with its keepers and the small exact model."""
    shell = CommandLine(tmp_path_factory.mktemp("audited"))
    (shell.folder / "model.graph").write_bytes(encode_graph(small_model()))
    (shell.folder / "manifest.json").write_bytes(manifest_of(small_model()).to_json())
    for task in range(TASKS):
        (shell.folder / f"input-{task}").write_bytes(words_of(3 + task, task).encode())
    try:
        up = shell.process("--json", "devnet", "up", timeout=180)
        assert up.code == 0, up.err
        for duty in ("matcher", "settler"):
            shell.start(duty, "--account", duty, "keeper", "start", duty)
        yield shell
    finally:
        shell.end()
        shell.process("devnet", "down")


@pytest.fixture(scope="module")
def model_id(shell: CommandLine) -> str:
    made = shell.stun(
        "--json", "model", "register", "--manifest", "@manifest.json", "--file", f"graph={shell.folder}/model.graph"
    )
    assert made.code == 0, made.err
    return str(made.json["model_id"])


@pytest.fixture(scope="module")
def providers(shell: CommandLine, model_id: str) -> dict[str, str]:
    """An honest provider, and one that saves on the weights; their addresses."""
    network = json.loads((shell.folder / "devnet" / "network.json").read_text())
    for name, cheap in (("provider-1", False), ("provider-2", True)):
        given: dict[str, Any] = {
            "deployment": network["deployment"], "rpc_url": network["rpc_urls"][0], "pool_url": network["pool_urls"][0],
            "blob_url": network["store_urls"][0], "folder": str(shell.folder / name), "model_id": model_id[2:],
            "price": PRICE, "cheap": cheap,
        }  # fmt: skip
        path = shell.folder / f"{name}.json"
        path.write_text(json.dumps(given))
        shell.program(name, "demo.provider", str(path), STUN_KEY="0x" + named_keys()[name].hex())
    return {name: from_key(named_keys()[name]).checksum_address for name in ("provider-1", "provider-2")}


def order(shell: CommandLine, model_id: str, provider: str) -> str:
    """Order from one provider and wait until its result is on the chain."""
    inputs = [f"@input-{task}" for task in range(TASKS)]
    made = shell.stun(
        "--json", "order", "create", model_id, *inputs, "--provider", provider, "--replicas", "1",
        "--max-price", "1000", "--max-units", "100",
    )  # fmt: skip
    assert made.code == 0, made.err
    watched = shell.stun("--json", "batch", "watch", made.json["order_id"], "--until", "results", "--timeout", "90")
    assert watched.code == 0, watched.err
    return str(made.json["order_id"])


def audited(shell: CommandLine, *words: str, code: int, account: str = "requester", seconds: float = 60.0) -> Any:
    """Ask until the answer has this exit code: what was delivered may arrive a little later."""
    deadline = time.monotonic() + seconds
    while (said := shell.stun("--json", "--account", account, "batch", "audit", *words)).code != code:
        assert time.monotonic() < deadline, (said.code, said.out, said.err)
        time.sleep(1)
    return said.json


def test_a_sealed_cheat_is_found_by_its_requester_and_convicted(
    shell: CommandLine, model_id: str, providers: dict[str, str]
) -> None:
    batch_id = order(shell, model_id, providers["provider-2"])

    found = audited(shell, batch_id, code=11)
    [row] = found["replicas"]
    assert row["wrong"] > 0
    assert row["unknown"] == 0
    stranger = audited(shell, batch_id, code=11, account="guest-1")
    assert [(row["unknown"], row["root"]) for row in stranger["replicas"]] == [(TASKS, "wrong")]

    challenged = ("--json", "batch", "audit", batch_id, "--challenge", "--timeout")
    begun = shell.stun(*challenged, "15")
    if begun.code != 0:  # the provider is silent: the same command goes on once the answer is due
        [dispute] = begun.json["disputes"]
        assert (begun.code, dispute["fate"]) == (11, "open")
        shell.travel(str(shell.stun("--json", "devnet", "status").json["chain"]["url"]), ALMOST_DUE)
        begun = shell.stun(*challenged, "40")
    assert (begun.code, [dispute["fate"] for dispute in begun.json["disputes"]]) == (0, ["convicted"])
    shown = shell.stun("batch", "show", batch_id)
    assert b"was convicted by 0x" in shown.out


def test_an_honest_batch_is_right_for_anybody(shell: CommandLine, model_id: str, providers: dict[str, str]) -> None:
    batch_id = order(shell, model_id, providers["provider-1"])

    for account in ("requester", "guest-2"):
        [row] = audited(shell, batch_id, code=0, account=account)["replicas"]
        assert (row["right"], row["wrong"]) == (TASKS, 0)

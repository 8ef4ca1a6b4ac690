"""A whole network by the command alone: chain, contracts, pool, store, keepers and providers as processes.

The SDK's example runs on it as it is written, and no key is ever printed or logged.
"""

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import CommandLine
from model_archives import RUNS_A_COMMAND, write_zip
from onnx import TensorProto, helper, numpy_helper

from stun.cli.devnet_setup import named_keys

pytestmark = pytest.mark.e2e
EXAMPLE = Path(__file__).resolve().parents[2] / "sdk" / "python" / "examples" / "quickstart.py"
WEIGHT = np.array([[2.0], [3.0]], np.float32)
DATA = np.array([[1.0, 1.0], [2.0, 0.0]], np.float32)
HARDWARE = {"gpus": [{"name": "declared", "memory": 24 * 10**9, "compute_capability": [8, 6]}], "memory": 64 * 10**9}


def write_model(path: Path) -> None:
    """y = x W, as ONNX."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", 2])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", 1])
    weights = [numpy_helper.from_array(WEIGHT, "w")]
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "g", [x], [y], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    path.write_bytes(model.SerializeToString())


def npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """A devnet with a matcher, a settler and two providers at work."""
    folder = tmp_path_factory.mktemp("network")
    shell = CommandLine(folder)
    (folder / "hardware.json").write_text(json.dumps(HARDWARE))
    write_model(folder / "my_model.pth")
    (folder / "path" / "to").mkdir(parents=True)
    (folder / "path" / "to" / "data").write_bytes(npy(DATA))
    try:
        up = shell.process("--json", "devnet", "up", timeout=180)
        assert up.code == 0, up.err
        for duty in ("matcher", "settler"):
            shell.start(duty, "--account", duty, "keeper", "start", duty)
        for name, price in (("provider-1", "4000"), ("provider-2", "4200")):
            shell.start(
                name, "--account", name, "--verbose", "provider", "start", "--any-model", "--price", price,
                "--hardware", "hardware.json", "--plain",
            )  # fmt: skip
        yield shell
        assert shell.end() == [0, 0, 0, 0]
    finally:
        shell.end()
        shell.process("devnet", "down")
    words = shell.words()
    assert b"bid" in words
    for name, key in named_keys().items():
        assert key.hex().encode() not in words, f"the key of {name} was printed"


@pytest.fixture(scope="module")
def chain_url(shell: CommandLine) -> str:
    return str(shell.stun("--json", "devnet", "status").json["chain"]["url"])


@pytest.fixture(scope="module")
def ran(shell: CommandLine) -> Any:
    """An order of one task, run by the SDK's example."""
    done = shell.run([str(EXAMPLE)])
    assert done.code == 0, done.err
    (order,) = shell.stun("--json", "order", "list").json["orders"]
    return done.out, order["order_id"]


def test_example_of_the_sdk_works_as_written(ran: Any) -> None:
    output, _ = ran

    assert np.load(io.BytesIO(output)).tolist() == (DATA @ WEIGHT).tolist()


def test_batch_is_shown_with_its_checks_and_settled_to_the_last_unit(
    shell: CommandLine, ran: Any, chain_url: str
) -> None:
    _, order_id = ran
    shown = shell.process("batch", "show", order_id)
    assert b"All 2 replicas sealed their results before any was shown" in shown.out
    shell.travel(chain_url, 3_600)

    watched = shell.stun("--json", "batch", "watch", order_id, "--timeout", "60")

    assert watched.code == 0, watched.err
    final = watched.json
    assert (final["stage"], final["agreement"]) == ("final", "all")
    for row in final["split"]:
        parts = [int(row[name]) for name in ("provider", "creator", "matcher", "settler", "treasury")]
        assert sum(parts) == int(row["paid"]) > 0
        assert parts[0] == int(row["paid"]) * 8 // 10


def test_run_orders_waits_and_shows_outputs(shell: CommandLine, ran: Any) -> None:
    model_id = shell.stun("--json", "model", "list").json["models"][0]["model_id"]
    done = shell.stun("run", model_id, "@path/to/data", "@path/to/data", "--accept", "--json", "--timeout", "90")

    assert done.code == 0, done.err
    said = done.json
    assert sorted(said) == ["accepted", "dry_run", "order_id", "outputs"]
    assert sorted(said["outputs"][0]) == ["base64", "index", "path", "refused", "sha256", "size"]
    outputs = [np.load(io.BytesIO(base64.b64decode(row["base64"]))).tolist() for row in said["outputs"]]
    assert outputs == [(DATA @ WEIGHT).tolist()] * 2
    batch = shell.until("batch", "show", said["order_id"], key="stage", value="final")
    assert batch["agreement"] == "accepted"


def test_order_can_be_taken_back(shell: CommandLine, ran: Any) -> None:
    model_id = shell.stun("--json", "model", "list").json["models"][0]["model_id"]
    made = shell.stun(
        "order", "create", model_id, "@path/to/data", "--max-price", "0.001", "--max-units", "1000000", "--json"
    )
    assert made.code == 0, made.err
    order_id = made.json["order_id"]
    assert shell.stun("--json", "order", "show", order_id).json["stage"] == "waiting"

    assert shell.stun("--json", "order", "cancel", order_id).json == {"dry_run": False, "order_id": order_id}
    assert shell.stun("--json", "order", "show", order_id).json["stage"] == "cancelled"
    again = shell.stun("--json", "batch", "watch", order_id)
    assert again.json["stage"] == "cancelled"


def test_money_moves_by_the_command(shell: CommandLine) -> None:
    who = ("--account", "guest-1", "--json")

    assert shell.stun(*who, "account", "deposit", "12.5", "--asset", "USDC").json["free"] == "12500000"
    assert shell.stun(*who, "account", "withdraw", "2.5", "--asset", "USDC").json["free"] == "10000000"
    assert shell.stun(*who, "account", "stake", "100").json["stake"] == str(100 * 10**9)
    assert shell.stun(*who, "account", "unstake", "40").json["stake"] == str(60 * 10**9)
    early = shell.stun(*who, "account", "collect")
    assert (early.code, json.loads(early.err)["error"]) == (4, "staking: locked")
    shown = shell.stun(*who, "account", "show").json
    assert sorted(shown) == [
        "address", "assets", "chain", "native", "operator", "reputation", "stake", "unbonding", "unlock_at",
    ]  # fmt: skip
    assert shown["unbonding"] == str(40 * 10**9)
    poor = shell.stun(*who, "account", "deposit", "99999999")
    assert (poor.code, json.loads(poor.err)["error"]) == (9, "sdk: funds")


def test_dry_run_sends_nothing(shell: CommandLine, ran: Any) -> None:
    before = shell.stun("--json", "account", "show").json
    model_id = shell.stun("--json", "model", "list").json["models"][0]["model_id"]

    told = shell.stun("--dry-run", "--json", "account", "deposit", "3").json
    quoted = shell.stun("--dry-run", "--json", "run", model_id, "@path/to/data").json

    assert [step["act"] for step in told["would"]] == ["approve", "deposit"]
    assert told["would"][0]["simulation"] == "ok"
    assert quoted["dry_run"] is True
    assert int(quoted["quote"]["total"]) > 0
    assert shell.stun("--json", "account", "show").json["assets"] == before["assets"]


def test_without_a_key_it_is_a_dry_run(shell: CommandLine) -> None:
    file = json.loads((shell.folder / "devnet" / "network.json").read_text())
    network = {
        "STUN_NETWORK": "other", "STUN_DEPLOYMENT": file["deployment"], "STUN_RPC_URLS": file["rpc_urls"][0],
        "STUN_POOL_URLS": file["pool_urls"][0], "STUN_STORE_URLS": file["store_urls"][0],
    }  # fmt: skip

    told = shell.stun("--json", "account", "stake", "5", **network)

    assert (told.code, told.json["dry_run"]) == (0, True)
    assert shell.stun("account", "show", **network).code == 3
    key = named_keys()["guest-2"].hex()
    assert shell.stun("--json", "account", "stake", "5", STUN_KEY=key, **network).json["stake"] == str(5 * 10**9)


def test_keystore_is_used_without_showing_its_passphrase(shell: CommandLine) -> None:
    made = shell.stun("--json", "account", "new", "@mine.json", STUN_PASSPHRASE="correct horse")
    assert made.code == 0, made.err
    keystore = ("--keystore", "@mine.json", "--json")

    shown = shell.stun(*keystore, "account", "show", STUN_PASSPHRASE="correct horse")
    wrong = shell.stun(*keystore, "account", "show", STUN_PASSPHRASE="wrong horse")
    dry = shell.stun(*keystore, "--dry-run", "account", "deposit", "1")

    assert shown.json["address"] == made.json["address"].lower()
    assert wrong.code == 3
    assert dry.json["dry_run"] is True
    assert b"horse" not in b"".join([shown.out, wrong.out, wrong.err.encode(), dry.out, dry.err.encode()])


@pytest.mark.parametrize("kind", ["pickle", "archive", "truncated"])
def test_file_that_could_run_code_is_not_registered(shell: CommandLine, kind: str) -> None:
    path = shell.folder / f"{kind}.pth"
    if kind == "pickle":
        path.write_bytes(b"\x80\x04" + RUNS_A_COMMAND[2:] * 20)
    elif kind == "archive":
        write_zip(path, {"net/data.pkl": RUNS_A_COMMAND, "net/version": b"3\n"})
    else:
        path.write_bytes((shell.folder / "my_model.pth").read_bytes()[:40])

    refused = shell.stun("model", "register", str(path))

    assert refused.code == 2
    assert kind == "truncated" or "TorchScript" in refused.err


def test_wrong_network_is_told(shell: CommandLine) -> None:
    file = json.loads((shell.folder / "devnet" / "network.json").read_text())
    deployment = json.loads(Path(file["deployment"]).read_text())
    market = deployment["contracts"]["Marketplace"]
    other_chain = deployment | {"chain_id": 1}
    nobody = "0x0000000000000000000000000000000000000001"
    nowhere = deployment | {"contracts": deployment["contracts"] | {"Marketplace": market | {"address": nobody}}}
    for name, document in (("chain", other_chain), ("nowhere", nowhere)):
        path = shell.folder / f"{name}.json"
        path.write_text(json.dumps(document))
        failed = shell.stun("--network", "x", "--deployment", str(path), "--rpc", file["rpc_urls"][0], "model", "list")
        assert (failed.code, "wrong network" in failed.err) == (3, True), failed.err
    dead = shell.stun(
        "--network", "x", "--deployment", file["deployment"], "--rpc", "http://127.0.0.1:9", "model", "list"
    )
    assert dead.code == 6


def test_devnet_up_again_goes_on(shell: CommandLine, ran: Any) -> None:
    before = shell.stun("--json", "devnet", "status").json

    again = shell.process("--json", "devnet", "up")

    assert again.code == 0
    assert {**again.json["chain"], "block": 0} == {**before["chain"], "block": 0}
    assert sorted(again.json) == [
        "accounts", "chain", "deployment", "folder", "pool", "running", "store",
    ]  # fmt: skip
    assert again.json["running"] is True


def test_keeper_and_provider_run_one_cycle(shell: CommandLine) -> None:
    keeper = shell.stun("--json", "--account", "guest-1", "--dry-run", "keeper", "start", "settler", "--once")
    provider = shell.stun(
        "--json", "--account", "provider-3", "provider", "start", "--any-model", "--price", "9000", "--once"
    )

    assert (keeper.code, keeper.json["dry_run"]) == (0, True)
    assert (provider.code, sorted(provider.json)) == (0, ["folder", "models", "provider"])
    assert shell.stun("provider", "start").code == 2
    assert shell.stun("keeper", "start", "settler", "--once", STUN_KEEPER_TICK_SECONDS="-1").code == 3

"""`python -m scripts.deploy` and `python -m scripts.verify` as their users meet them, with wrong and hostile input."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from scripts import deploy as deploying
from scripts import verify as verifying
from stun.chains.evm import deployments
from stun.chains.evm.accounts import create_keystore
from stun.chains.evm.artifacts import ROOT, ArtifactStore
from stun.chains.evm.deployments import DeploymentFile, deploy
from stun.chains.evm.endpoint import connect
from stun.chains.evm.intents import IntentStore
from stun.chains.evm.market_contracts import interface
from stun.chains.evm.nodes import AnvilNode, NodeUnavailable, anvil, anvil_binary, funded_accounts
from stun.chains.evm.rpc import ChainReader
from stun.chains.evm.sender import Sender

pytestmark = pytest.mark.integration

DEPLOYER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"  # public: anvil's first account
PEERS = ("settlement", "court", "audit", "beacon")
OTHER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


def _run(command: Any, *arguments: str, **environment: str) -> Result:
    cleared = {name: None for name in os.environ if name.startswith("STUN_")}
    return CliRunner(mix_stderr=False).invoke(command, list(arguments), env=cleared | environment)


@dataclass(frozen=True)
class Deployed:
    """A market on an anvil, deployed by the command."""

    node: AnvilNode
    folder: Path
    path: Path
    said: str

    @property
    def file(self) -> DeploymentFile:
        return deployments.load(self.path)

    def verify(self, file: DeploymentFile | None = None, *more: str) -> tuple[int, dict[str, Any]]:
        """Exit code and report for the record, or for a changed one."""
        path = self.path
        if file is not None:
            path = self.folder / "changed.json"
            deployments.save(file, path)
        done = _run(verifying.command, "--deployment", str(path), "--rpc", self.node.url, "--json", *more)
        return done.exit_code, json.loads(done.stdout)

    def wrong(self, file: DeploymentFile | None = None) -> list[str]:
        """What does not hold, as "contract what"."""
        code, report = self.verify(file)
        found = [f"{wrong['contract']} {wrong['what']}".strip() for wrong in report["mismatches"]]
        assert code == (10 if found else 0)
        assert report["holds"] is not bool(found)
        return found

    def send(self, contract: str, function: str, *arguments: Any) -> None:
        """Let the owner act."""
        sender = Sender(
            funded_accounts(1)[0], ChainReader([connect(self.node.url)]), IntentStore.open(self.folder / "owner.db"),
            poll=0.01,
        )  # fmt: skip
        key = f"{function}:{self.node.w3.eth.block_number}"
        data = interface(contract).function(function).encode(*arguments)
        sender.wait(sender.submit(key, self.file.address(contract), data))


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    try:
        anvil_binary()
    except NodeUnavailable as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("deployed")
    with anvil() as node:
        done = _run(deploying.command, *_words(node, folder), "--no-rehearsal", STUN_KEY=KEY)
        assert done.exit_code == 0, done.stderr
        yield Deployed(node, folder, folder / "deployments" / "testing" / "31337.json", done.stdout + done.stderr)


@pytest.fixture
def market(standing: Deployed) -> Iterator[Deployed]:
    before = standing.node.request("evm_snapshot")
    yield standing
    assert standing.node.request("evm_revert", before)
    (standing.folder / "owner.db").unlink(missing_ok=True)


def _words(node: AnvilNode, folder: Path) -> list[str]:
    return ["--network", "testing", "--rpc", node.url, "--folder", str(folder), "--plan", "development"]


def _with(file: DeploymentFile, name: str, **changes: Any) -> DeploymentFile:
    changed = msgspec.structs.replace(file.contracts[name], **changes)
    return msgspec.structs.replace(file, contracts={**file.contracts, name: changed})


def _with_call(file: DeploymentFile, number: int, **changes: Any) -> DeploymentFile:
    calls = list(file.calls)
    calls[number] = msgspec.structs.replace(calls[number], **changes)
    return msgspec.structs.replace(file, calls=tuple(calls))


def test_a_deployed_market_holds_and_the_report_says_how_much(market: Deployed) -> None:
    code, report = market.verify(None, "--strict")
    assert (code, report["holds"], report["mismatches"], report["unproven"]) == (0, True, [], [])
    assert report["agreed"] > 400
    assert report["recorded_commit"] == report["sources_commit"]
    assert [call.function for call in market.file.calls] == [
        "publish", "list_asset", "list_asset", "set_custodian", "set_slasher", "set_recorder",
    ]  # fmt: skip
    assert "Marketplace" in market.said
    assert KEY[2:] not in market.said + market.path.read_text()


@pytest.mark.parametrize("name", ["Marketplace", "Settlement", "Reputation", "Court", "RefereeRow"])
@pytest.mark.parametrize("place", [0, 0.5, -1])
def test_one_altered_byte_of_code_is_found(market: Deployed, name: str, place: float) -> None:
    address = market.file.contracts[name].address
    code = bytearray(market.node.w3.eth.get_code(address))
    code[int(len(code) * place) if place != -1 else -1] ^= 1
    market.node.request("anvil_setCode", address, "0x" + code.hex())
    found = market.wrong()
    assert f"{name} code hash" in found
    assert {line.split()[0] for line in found} == {name}


def test_an_altered_immutable_is_found_also_when_the_recorded_hash_is_altered_with_it(market: Deployed) -> None:
    from eth_utils.crypto import keccak

    file = market.file
    code = market.node.w3.eth.get_code(file.contracts["Staking"].address)
    token, other = (bytes.fromhex(file.contracts[name].address[2:]) for name in ("StunToken", "Usdc6"))
    assert code.count(token) == 1
    changed = bytes(code).replace(token, other)
    market.node.request("anvil_setCode", file.contracts["Staking"].address, "0x" + changed.hex())
    found = market.wrong(_with(file, "Staking", code_hash="0x" + keccak(changed).hex()))
    assert found == ["Staking immutable TOKEN", "Staking TOKEN()"]


def test_another_constructor_argument_is_found_by_its_name(market: Deployed) -> None:
    arguments = {**market.file.contracts["Marketplace"].arguments, "owner": OTHER}
    assert market.wrong(_with(market.file, "Marketplace", arguments=arguments)) == [
        "Marketplace argument owner", "Marketplace owner()",
    ]  # fmt: skip
    bounds = [list(bound) for bound in market.file.contracts["Config"].arguments["bounds"]]
    bounds[2][1] = "7"
    arguments = {**market.file.contracts["Config"].arguments, "bounds": bounds}
    assert market.wrong(_with(market.file, "Config", arguments=arguments))[0] == "Config argument bounds[2][1]"


def test_a_contract_truly_deployed_with_another_argument_is_found(market: Deployed) -> None:
    reader = ChainReader([connect(market.node.url)])
    sender = Sender(funded_accounts(1)[0], reader, IntentStore.open(market.folder / "owner.db"), poll=0.01)
    file = market.file
    given = (file.address("Usdc6"), file.address("Config"))
    made = deploy(sender, reader, "ModelRegistry", given, artifacts=ArtifactStore())
    honest = deployments.record("x", 31337, [made], file.commit).contracts["ModelRegistry"]
    changed = msgspec.structs.replace(file, contracts={**file.contracts, "ModelRegistry": honest})
    found = market.wrong(changed)
    assert "ModelRegistry recorded token" in found
    assert "Marketplace recorded registry" in found


def test_a_version_names_the_markets_own_court_audit_and_beacon(market: Deployed) -> None:
    arguments = market.file.calls[0].arguments
    own = [market.file.contracts[name].address for name in ("Court", "Audit", "Beacon")]
    assert arguments["peers"] == ["0x" + "00" * 20, *own]
    for place, role in enumerate(PEERS):
        peers = [OTHER if index == place else peer for index, peer in enumerate(arguments["peers"])]
        assert market.wrong(_with_call(market.file, 0, arguments={**arguments, "peers": peers})) == [
            f"Config publish() peers[{place}]", *(f"Config {role} of version {number}" for number in (1, 2, 3)),
        ]  # fmt: skip


def test_a_court_with_another_judge_is_found(market: Deployed) -> None:
    arguments = {**market.file.contracts["Verdicts"].arguments, "rowwise": OTHER}
    assert market.wrong(_with(market.file, "Verdicts", arguments=arguments)) == [
        "Verdicts recorded rowwise", "Verdicts argument rowwise", "Verdicts immutable ROWWISE",
    ]  # fmt: skip
    arguments = {**market.file.contracts["Audit"].arguments, "epoch_seconds": "101"}
    found = market.wrong(_with(market.file, "Audit", arguments=arguments))
    assert found == ["Audit argument epoch_seconds", "Audit immutable list_.EPOCH_SECONDS"]


def test_missing_contracts_are_found(market: Deployed) -> None:
    file = market.file
    rest = {name: item for name, item in file.contracts.items() if name != "Beacon"}
    assert market.wrong(msgspec.structs.replace(file, contracts=rest)) == ["Beacon record"]
    assert market.wrong(_with(file, "Beacon", address=OTHER)) == ["Beacon code"]
    assert market.wrong(_with(file, "Beacon", contract="Usdc6"))[0] == "Beacon record"
    assert market.wrong(_with(file, "Beacon", contract="Nowhere")) == ["Beacon record", "Beacon source"]


def test_another_chain_is_found(market: Deployed) -> None:
    assert market.wrong(msgspec.structs.replace(market.file, chain_id=1)) == ["chain id"]


def test_a_config_that_is_not_as_published_is_found(market: Deployed) -> None:
    file = market.file
    values = list(file.calls[0].arguments["values"])
    values[0] = "61"
    assert market.wrong(_with_call(file, 0, arguments={**file.calls[0].arguments, "values": values})) == [
        "Config publish() values[0]", *(f"Config reveal_seconds of version {number}" for number in (1, 2, 3)),
    ]  # fmt: skip
    rules = {**file.calls[1].arguments, "min_bond": "1"}
    found = market.wrong(_with_call(file, 1, arguments=rules))
    assert found == ["Config list_asset() min_bond", f"Config min_bond of asset {file.contracts['StunToken'].address}"]
    assert "Config version in force" in market.wrong(msgspec.structs.replace(file, calls=file.calls[:2]))
    assert "Config version in force" in market.wrong(msgspec.structs.replace(file, calls=()))
    impossible = ["0"] * len(values)
    found = market.wrong(_with_call(file, 0, arguments={**file.calls[0].arguments, "values": impossible}))
    assert "Config recorded calls" in found


def test_what_the_owner_changed_since_is_found(market: Deployed) -> None:
    file = market.file
    values = [int(value) for value in file.calls[0].arguments["values"]]
    peers = (bytes(20), *(file.address(name) for name in ("Court", "Audit", "Beacon")))
    market.send("Config", "publish", [values[0] + 1, *values[1:]], peers)
    assert market.wrong() == ["Config version in force", "Config reveal_seconds in force"]
    market.send("Config", "publish", values, (file.address("Court"), bytes(20), file.address("Court"), bytes(20)))
    assert market.wrong() == [*(f"Config {role} in force" for role in PEERS), "Config version in force"]
    market.send("Config", "delist_asset", file.address("Usdc6"))
    market.send("Staking", "set_slasher", file.address("Marketplace"), False)
    market.send("Reputation", "set_recorder", file.address("Marketplace"), False)
    found = market.wrong()
    assert {"Staking is_slasher(Marketplace)", "Reputation is_recorder(Marketplace)"} <= set(found)
    assert f"Config min_bond of asset {file.contracts['Usdc6'].address}" in found
    market.send("Marketplace", "transfer_ownership", bytes.fromhex(OTHER[2:]))
    market.node.request("anvil_impersonateAccount", OTHER)
    accept = "0x" + interface("Marketplace").function("accept_ownership").encode().hex()
    address = file.contracts["Marketplace"].address
    sent = market.node.request("eth_sendTransaction", {"from": OTHER, "to": address, "data": accept})
    market.node.w3.eth.wait_for_transaction_receipt(sent)
    assert {"Marketplace owner()"} <= set(market.wrong())


def test_every_truncation_of_a_record_is_refused(market: Deployed, tmp_path: Path) -> None:
    content = market.path.read_bytes().rstrip()
    path = tmp_path / "cut.json"
    for size in range(0, len(content), max(1, len(content) // 60)):
        path.write_bytes(content[:size])
        done = _run(verifying.command, "--deployment", str(path), "--rpc", market.node.url)
        assert done.exit_code == 3, size
        assert "DeploymentInvalid" in done.stderr


@pytest.mark.parametrize(
    "content",
    [
        b"",
        bytes(100),
        b"[" * 10**6,
        b'{"format": 1}',
        b"null",
        b'"' + b"9" * 2**23,
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
    ],
)
def test_a_file_that_is_no_record_is_refused(standing: Deployed, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "hostile.json"
    path.write_bytes(content)
    done = _run(verifying.command, "--deployment", str(path), "--rpc", standing.node.url)
    assert (done.exit_code, done.stdout) == (3, "")


def test_a_record_cannot_move_the_cursor(market: Deployed, tmp_path: Path) -> None:
    arguments = {**market.file.contracts["Marketplace"].arguments, "owner": "\x1b[2J\x07" + "x" * 9_000}
    path = tmp_path / "loud.json"
    deployments.save(_with(market.file, "Marketplace", arguments=arguments), path)
    done = _run(verifying.command, "--deployment", str(path), "--rpc", market.node.url)
    assert done.exit_code == 10
    assert "\x1b" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) < 400


def test_a_chain_that_does_not_answer_is_told(standing: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    from stun.chains.evm.endpoint import Retry

    monkeypatch.setattr(verifying, "connect", lambda url: connect(url, 0.2, Retry(attempts=1)))
    done = _run(verifying.command, "--deployment", str(standing.path), "--rpc", "http://127.0.0.1:9/secret-token")
    assert done.exit_code == 6
    assert "secret-token" not in done.stdout + done.stderr


def test_without_a_key_every_transaction_is_told_and_none_sent(standing: Deployed, tmp_path: Path) -> None:
    words = [*_words(standing.node, tmp_path), "--no-rehearsal", "--from", OTHER]
    nonce = standing.node.w3.eth.get_transaction_count(OTHER)
    done = _run(deploying.command, *words, "--json")
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["dry_run"] is True
    created = [step["creates"] for step in told["transactions"] if step["creates"]]
    assert len(set(created)) == 14
    market = next(step for step in told["transactions"] if step["contract"] == "Marketplace")
    assert (market["arguments"]["owner"], market["arguments"]["stun"]) == (OTHER, created[0])
    assert market["data"].endswith(created[5][2:].lower()), "the last argument is the settlement"
    court = next(step for step in told["transactions"] if step["contract"] == "Court")
    assert court["arguments"]["market"] == created[6]
    text = _run(deploying.command, *words).stdout
    assert all(address in text for address in created)
    assert list(tmp_path.iterdir()) == []
    assert standing.node.w3.eth.get_transaction_count(OTHER) == nonce


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "--from"),
        (["--from", OTHER.lower()], 2, "checksum"),
        (["--from", OTHER, "--plan", "production"], 2, "--usdc and --owner"),
        (["--from", OTHER, "--chain-id", "1"], 3, "this is chain 31337, not 1"),
        (["--from", OTHER, "--network", "../up"], 3, "no name of a network"),
        (["--keystore", "/nowhere", "--from", OTHER], 3, "cannot be read"),
        (["--from", OTHER, "--plan", "production", "--usdc", OTHER, "--owner", OTHER], 3, "no token"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    standing: Deployed, tmp_path: Path, words: list[str], code: int, said: str
) -> None:
    done = _run(deploying.command, *_words(standing.node, tmp_path), "--no-rehearsal", *words)
    assert done.exit_code == code, done.output
    assert said in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", ["0x12", "zz" * 32, "00" * 32, KEY + "00"])
def test_a_wrong_key_is_refused_and_not_shown(standing: Deployed, tmp_path: Path, key: str) -> None:
    done = _run(deploying.command, *_words(standing.node, tmp_path), "--no-rehearsal", STUN_KEY=key)
    assert done.exit_code == 3
    assert key not in done.stdout + done.stderr


def test_a_key_of_somebody_else_than_foretold_is_refused(standing: Deployed, tmp_path: Path) -> None:
    words = [*_words(standing.node, tmp_path), "--no-rehearsal", "--from", OTHER]
    done = _run(deploying.command, *words, STUN_KEY=KEY)
    assert (done.exit_code, list(tmp_path.iterdir())) == (3, [])


def test_a_keystore_signs_with_its_passphrase_alone(market: Deployed, tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    account = create_keystore(path, "correct horse", iterations=2)
    market.node.request("anvil_setBalance", account.checksum_address, hex(10**20))
    words = [*_words(market.node, tmp_path), "--no-rehearsal", "--keystore", str(path)]
    foretold = _run(deploying.command, *words, "--dry-run", "--json")
    assert json.loads(foretold.stdout)["deployer"] == account.checksum_address
    refused = _run(deploying.command, *words, STUN_PASSPHRASE="wrong horse")
    assert refused.exit_code == 3
    assert "horse" not in refused.output
    assert _run(deploying.command, *words).exit_code == 3, "no passphrase, no terminal"
    done = _run(deploying.command, *words, "--json", STUN_PASSPHRASE="correct horse")
    assert done.exit_code == 0, done.stderr
    created = [step["creates"] for step in json.loads(foretold.stdout)["transactions"] if step["creates"]]
    assert sorted(json.loads(done.stdout)["contracts"].values()) == sorted(created)


def test_killed_at_any_line_it_goes_on_and_sends_nothing_twice(market: Deployed, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "scripts.deploy", *_words(market.node, tmp_path), "--no-rehearsal"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STUN_")}
    before = market.node.w3.eth.get_transaction_count(DEPLOYER)
    for line in ("deploying Staking", "deploying Court", "Config.publish", "Staking.set_slasher"):
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen(words, cwd=ROOT, env=environment | {"STUN_KEY": KEY}, text=True, **pipes) as process:
            assert process.stderr is not None
            assert any(said.strip() == line for said in process.stderr), line
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
    done = _run(deploying.command, *words[3:], STUN_KEY=KEY)
    assert done.exit_code == 0, done.stderr
    assert market.node.w3.eth.get_transaction_count(DEPLOYER) == before + 20
    record = str(tmp_path / "deployments" / "testing" / "31337.json")
    assert _run(verifying.command, "--deployment", record, "--rpc", market.node.url, "--strict").exit_code == 0


def test_ape_runs_the_same_script(standing: Deployed, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STUN_")}
    environment["APE_DATA_FOLDER"] = str(tmp_path / "ape")
    choice = f"ethereum:local:{standing.node.url}"
    ape = str(Path(sys.executable).with_name("ape"))
    words = [ape, "run", "deploy", "--network", choice, "--no-rehearsal", "--folder", str(tmp_path), "--json"]
    snapshot = standing.node.request("evm_snapshot")
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout.splitlines()[-1])
    assert record["record"] == str(tmp_path / "deployments" / "ethereum-local" / "31337.json")
    code, report = standing.verify(deployments.load(Path(record["record"])))
    assert (code, report["mismatches"]) == (0, [])
    assert standing.node.request("evm_revert", snapshot)

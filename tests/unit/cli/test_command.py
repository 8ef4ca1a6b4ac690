"""The command without a network: usage, keys, configuration, and what must never be printed."""

import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from stun.cli.main import main
from stun.cli.output import table

pytestmark = pytest.mark.unit
KEY = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("NETWORK", "RPC_URLS", "POOL_URLS", "STORE_URLS", "KEY", "PASSPHRASE", "KEYSTORE", "DEPLOYMENT"):
        monkeypatch.delenv(f"STUN_{name}", raising=False)
    monkeypatch.setenv("STUN_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("STUN_DEVNET", str(tmp_path / "devnet"))


def stun(*arguments: str, **environment: str) -> Result:
    return CliRunner(mix_stderr=False).invoke(main, list(arguments), env=environment)


def test_help_names_the_exit_codes() -> None:
    shown = stun("--help")

    assert shown.exit_code == 0
    assert "4 the chain refused" in " ".join(shown.stdout.split())


@pytest.mark.parametrize(
    "command",
    [
        ["account", "show"],
        ["account", "deposit", "1"],
        ["model", "list"],
        ["order", "list"],
        ["batch", "show", "00" * 32],
        ["run", "00" * 32, "--text", "x"],
        ["keeper", "start", "matcher"],
        ["provider", "start", "--any-model", "--price", "1"],
    ],
)
def test_without_a_network_every_command_says_what_to_do(command: list[str]) -> None:
    failed = stun("--json", *command)

    assert failed.exit_code == 3
    assert json.loads(failed.stderr) == {
        "error": "sdk: network unknown",
        "message": json.loads(failed.stderr)["message"],
    }
    assert "stun devnet up" in failed.stderr
    assert failed.stdout == ""


@pytest.mark.parametrize(
    "command",
    [
        ["no-such"],
        ["account"],
        ["run"],
        ["keeper", "start", "auditor"],
        ["account", "deposit"],
        ["--no-such", "devnet"],
    ],
)
def test_wrong_usage_is_told(command: list[str]) -> None:
    assert stun(*command).exit_code in (0, 2)  # a group without a command shows its help
    assert "Usage" in stun(*command).stdout + stun(*command).stderr


def test_json_may_stand_anywhere_but_behind_a_double_dash() -> None:
    assert json.loads(stun("devnet", "status", "--json").stdout)["running"] is False
    assert stun("batch", "show", "--", "--json").stderr.startswith("error (sdk: network unknown)")


def test_status_and_down_without_a_devnet_do_nothing() -> None:
    assert json.loads(stun("--json", "devnet", "down").stdout) == {"reset": False, "stopped": []}
    assert stun("devnet", "status").stdout.startswith("no devnet")


def test_folder_that_is_no_devnet_is_not_deleted(tmp_path: Path) -> None:
    (tmp_path / "devnet").mkdir()
    (tmp_path / "devnet" / "thesis.txt").write_text("mine")

    failed = stun("devnet", "down", "--reset")

    assert failed.exit_code == 3
    assert (tmp_path / "devnet" / "thesis.txt").read_text() == "mine"


def test_new_key_is_encrypted_and_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "keys" / "mine.json"

    made = stun("--json", "account", "new", str(path), STUN_PASSPHRASE="correct horse")

    assert made.exit_code == 0
    assert set(json.loads(made.stdout)) == {"address", "keystore"}
    assert json.loads(path.read_text())["crypto"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "correct horse" not in made.stdout + made.stderr + path.read_text()
    again = stun("account", "new", str(path), STUN_PASSPHRASE="correct horse")
    assert again.exit_code == 3
    assert "exists" in again.stderr


def test_new_key_needs_a_passphrase(tmp_path: Path) -> None:
    failed = stun("account", "new", str(tmp_path / "k.json"))

    assert failed.exit_code == 3
    assert "STUN_PASSPHRASE" in failed.stderr
    assert not (tmp_path / "k.json").exists()


@pytest.mark.parametrize("content", ["", "not json", "{}", '{"crypto": {}}', "[]"])
def test_broken_keystore_is_named(tmp_path: Path, content: str) -> None:
    keystore, deployment = tmp_path / "k.json", tmp_path / "d.json"
    keystore.write_text(content)
    deployment.write_text("{}")

    failed = stun(
        "--keystore", str(keystore), "--deployment", str(deployment), "--rpc", "http://127.0.0.1:1", "account", "show"
    )

    assert failed.exit_code == 3


def test_key_in_the_environment_is_never_printed(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f'network = "b"\n[networks.b]\nkey = "{KEY}"')
    for arguments in (["account", "show"], ["--verbose", "account", "show"], ["--json", "model", "list"]):
        failed = stun(*arguments, STUN_KEY=KEY)
        assert failed.exit_code == 3
        assert KEY not in failed.stdout + failed.stderr
    wrong = stun("account", "show", STUN_KEY=KEY + "ff", STUN_NETWORK="none")
    assert KEY not in wrong.stdout + wrong.stderr


def test_no_option_takes_a_key() -> None:
    options = {name for parameter in main.params for name in parameter.opts}

    assert not {name for name in options if "key" in name} - {"--keystore"}
    assert "--passphrase" not in options


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script(shell: str) -> None:
    shown = stun("completion", shell)

    assert shown.exit_code == 0
    assert "_STUN_COMPLETE" in shown.stdout


def test_words_of_strangers_cannot_move_the_cursor() -> None:
    shown = table([{"name": "evil\x1b[2J\nname"}], ["name"])

    assert "\x1b" not in shown
    assert len(shown.splitlines()) == 2

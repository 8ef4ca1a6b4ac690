"""Settings, logs and the process's entry."""

import json

import pytest
import structlog
from click.testing import CliRunner
from pydantic import ValidationError

from keepers import logs
from keepers.main import main
from keepers.settings import KeeperSettings, account_of

pytestmark = pytest.mark.unit
ASSET = "0x" + "57" * 20


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUN_KEEPER_BID_WINDOW", "9")
    monkeypatch.setenv("STUN_KEEPER_COST_PER_MILLION_GAS", json.dumps({ASSET: 7}))
    monkeypatch.setenv("STUN_KEEPER_KEEPERS", json.dumps(["0x" + "aa" * 20]))
    settings = KeeperSettings()
    assert settings.matcher().bid_window == 9
    assert settings.matcher().profit.cost(account_of(ASSET), 1_000_001) == 8, "rounded up"
    assert settings.settler().turns.keepers == (b"\0" * 12 + b"\xaa" * 20,)


@pytest.mark.parametrize("wrong", [{"account": "0x12"}, {"keepers": ["zz"]}, {"tick_seconds": 0}, {"places": 0}])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        KeeperSettings.model_validate(wrong)


def test_logs_are_json_without_keys_and_signatures(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure_logs()
    try:
        structlog.get_logger().info("duty", signature="0xabc", passphrase="open", order=b"\x01\x02", kind="settle")
    finally:
        structlog.reset_defaults()
    line = json.loads(capsys.readouterr().err)
    assert (line["signature"], line["passphrase"], line["order"]) == ("[redacted]",) * 3
    assert (line["event"], line["kind"], line["level"]) == ("duty", "settle", "info")


def test_a_keeper_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("STUN_KEEPER_DEPLOYMENT", f"{tmp_path}/nowhere.json")
    answer = CliRunner().invoke(main, ["matcher"])
    structlog.reset_defaults()
    assert answer.exit_code == 2
    assert "cannot start" in answer.output

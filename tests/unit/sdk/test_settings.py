"""Settings come from arguments, variables and one file, in this order; a wrong one is named, its value never told."""

import json
from pathlib import Path

import pytest
from stun_sdk import NetworkUnknown, SettingsInvalid
from stun_sdk.network import (
    NetworkFile,
    complete,
    devnet_account,
    find_account,
    parse_account,
    read_network,
    save_network,
)
from stun_sdk.settings import load_settings

pytestmark = pytest.mark.unit
KEY = "0x" + "11" * 32


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("NETWORK", "RPC_URLS", "POOL_URLS", "KEY", "PASSPHRASE", "KEYSTORE", "ACCOUNT", "ASSET", "DEPLOYMENT"):
        monkeypatch.delenv(f"STUN_{name}", raising=False)
    monkeypatch.setenv("STUN_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("STUN_DEVNET", str(tmp_path / "devnet"))


def devnet_in(folder: Path) -> NetworkFile:
    folder.mkdir()
    accounts = {name: {"address": "0x", "key": KEY} for name in ("requester", "matcher")}
    (folder / "accounts.json").write_text(json.dumps({"accounts": accounts}))
    file = NetworkFile("devnet", "/d.json", ("http://r",), ("http://p",), ("http://s",), str(folder / "accounts.json"))
    save_network(file, folder)
    return file


def test_arguments_go_before_variables_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.toml").write_text(
        'network = "base"\n[networks.base]\nrpc_urls = ["http://file"]\npool_urls = ["http://file"]\nasset = "usdc"\n'
    )
    monkeypatch.setenv("STUN_POOL_URLS", "http://one, http://two,")

    settings = load_settings({"rpc_urls": ("http://argument",), "store_urls": None})

    assert settings.network == "base"
    assert settings.rpc_urls == ("http://argument",)
    assert settings.pool_urls == ("http://one", "http://two")
    assert settings.asset == "USDC"


@pytest.mark.parametrize(
    "text",
    [
        "not toml [",
        'net = "x"',
        "networks = 1",
        '[networks]\nbase = "x"',
        'network = "b"\n[networks.b]\nunknown = 1',
        'network = "b"\n[networks.b]\npoll_seconds = 0',
        "network = 7",
    ],
)
def test_wrong_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.toml").write_text(text)

    with pytest.raises(SettingsInvalid):
        load_settings()


def test_key_among_the_settings_is_refused_and_not_told(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(f'network = "b"\n[networks.b]\nkey = "{KEY}"')

    with pytest.raises(SettingsInvalid) as caught:
        load_settings()
    assert KEY not in str(caught.value)


def test_without_anything_there_is_no_network() -> None:
    with pytest.raises(NetworkUnknown, match="stun devnet up"):
        complete(load_settings())


def test_unknown_network_is_named() -> None:
    with pytest.raises(NetworkUnknown, match="'nowhere'"):
        complete(load_settings({"network": "nowhere"}))


def test_running_devnet_is_found(tmp_path: Path) -> None:
    file = devnet_in(tmp_path / "devnet")

    settings, found = complete(load_settings({"pool_urls": ("http://mine",), "auto_deposit": False}))

    assert found == file
    assert (settings.rpc_urls, settings.pool_urls) == (("http://r",), ("http://mine",))
    assert settings.auto_deposit is False


def test_damaged_devnet_file_is_named(tmp_path: Path) -> None:
    devnet_in(tmp_path / "devnet")
    (tmp_path / "devnet" / "network.json").write_text('{"network": "devnet"}')

    with pytest.raises(SettingsInvalid, match="devnet up"):
        read_network(tmp_path / "devnet")


def test_key_is_looked_for_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = devnet_in(tmp_path / "devnet")
    settings = load_settings()
    assert find_account(settings, None) is None
    own = find_account(settings, file)
    monkeypatch.setenv("STUN_KEY", "0x" + "22" * 32)
    other = find_account(settings, file)
    named = find_account(load_settings({"account": "matcher"}), file)

    assert own is not None
    assert other is not None
    assert named is not None
    assert own.address == named.address != other.address


def test_unknown_account_of_a_devnet_is_named_without_its_neighbours(tmp_path: Path) -> None:
    file = devnet_in(tmp_path / "devnet")

    with pytest.raises(SettingsInvalid, match="'nobody'") as caught:
        devnet_account(Path(file.accounts), "nobody")
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("text", ["", "0x", "0x12", "zz" * 20, "0x" + "11" * 21])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(SettingsInvalid, match="to:"):
        parse_account(text, "to")

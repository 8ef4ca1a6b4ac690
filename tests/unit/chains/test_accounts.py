"""Keys: usable, and never to be seen."""

import copy
import json
import pickle
import stat
import traceback
from pathlib import Path

import pytest
from eth_account import Account
from eth_keys.datatypes import Signature

from stun.chains.evm.accounts import (
    KeyUnavailable,
    create_keystore,
    from_environment,
    from_key,
    from_keystore,
    passphrase_from_environment,
)
from stun.chains.interface import TransactionSigner

pytestmark = pytest.mark.unit

_KEY = bytes.fromhex("4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318")


def test_signatures_recover_to_the_account() -> None:
    account = from_key(_KEY)
    assert isinstance(account, TransactionSigner)
    signature = account.sign_digest(b"\x07" * 32)
    vrs = Signature(signature[:64] + bytes([signature[64] - 27]))
    recovered = vrs.recover_public_key_from_msg_hash(b"\x07" * 32)
    assert recovered.to_canonical_address() == account.address
    raw, digest = account.sign_transaction(
        {
            "type": 2,
            "chainId": 1,
            "nonce": 0,
            "gas": 21_000,
            "maxFeePerGas": 1,
            "maxPriorityFeePerGas": 1,
            "to": account.checksum_address,
            "value": 0,
            "data": b"",
        }
    )
    assert bytes.fromhex(Account.recover_transaction(raw)[2:]) == account.address
    assert len(digest) == 32


@pytest.mark.parametrize("digest", [b"", bytes(31), bytes(33)])
def test_only_32_bytes_are_signed(digest: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        from_key(_KEY).sign_digest(digest)


def test_no_text_form_holds_the_key() -> None:
    account = from_key(_KEY)
    for text in (repr(account), str(account), f"{account}", repr([account])):
        assert _KEY.hex() not in text
        assert account.checksum_address in text
    assert not hasattr(account, "__dict__")
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not pickled"):
            attempt(account)


@pytest.mark.parametrize("key", [bytes(32), b"\xff" * 32, b"\x01" * 31, b"\x01" * 33, b""])
def test_bytes_that_are_no_key_are_refused_without_being_told(key: bytes) -> None:
    with pytest.raises(KeyUnavailable) as refused:
        from_key(key)
    told = "".join(traceback.format_exception(refused.value))
    assert len(key) < 31 or key.hex() not in told


def test_the_environment_gives_a_key_or_none() -> None:
    expected = from_key(_KEY).address
    for text in (_KEY.hex(), "0x" + _KEY.hex(), f" {_KEY.hex()}\n"):
        account = from_environment("STUN_KEY", {"STUN_KEY": text})
        assert account is not None
        assert account.address == expected
    assert from_environment("STUN_KEY", {}) is None
    assert from_environment("STUN_KEY", {"STUN_KEY": "  "}) is None


@pytest.mark.parametrize("text", ["secretsecret", _KEY.hex()[:-1], _KEY.hex() + "0", "0x", "00" * 32, "ff" * 32])
def test_a_bad_environment_variable_is_named_but_not_shown(text: str) -> None:
    with pytest.raises(KeyUnavailable, match="STUN_KEY") as refused:
        from_environment("STUN_KEY", {"STUN_KEY": text})
    assert len(text) < 4 or text not in "".join(traceback.format_exception(refused.value))


def test_a_keystore_opens_with_its_passphrase_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "provider.json"
    account = create_keystore(path, "correct horse", iterations=2)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert from_keystore(path, lambda: "correct horse").address == account.address
    wrong = "battery staple"
    with pytest.raises(KeyUnavailable, match="passphrase") as refused:
        from_keystore(path, lambda: wrong)
    assert wrong not in "".join(traceback.format_exception(refused.value))


def test_a_keystore_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "provider.json"
    path.write_text("precious")
    with pytest.raises(KeyUnavailable, match="exists"):
        create_keystore(path, "correct horse", iterations=2)
    assert path.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(KeyUnavailable, match="empty passphrase"):
        create_keystore(tmp_path / "other.json", "")


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '"text"', '{"crypto": {}}', '{"version": 3, "crypto": 5}'])
def test_files_that_are_no_keystore_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "provider.json"
    path.write_text(content)
    with pytest.raises(KeyUnavailable, match=r"provider\.json"):
        from_keystore(path, lambda: "x")
    with pytest.raises(KeyUnavailable, match="cannot be read"):
        from_keystore(tmp_path / "missing.json", lambda: "x")


def test_keystores_of_eth_account_open(tmp_path: Path) -> None:
    path = tmp_path / "geth.json"
    path.write_text(json.dumps(Account.encrypt(_KEY, "x", iterations=2)))
    assert from_keystore(path, lambda: "x").address == from_key(_KEY).address


def test_the_passphrase_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    read = passphrase_from_environment("STUN_PASSPHRASE")
    monkeypatch.delenv("STUN_PASSPHRASE", raising=False)
    with pytest.raises(KeyUnavailable, match="STUN_PASSPHRASE"):
        read()
    monkeypatch.setenv("STUN_PASSPHRASE", "x")
    assert read() == "x"

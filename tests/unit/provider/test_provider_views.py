"""What a provider shows: its profile to matchers, its dashboard to its owner; and what it reads: settings."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from provider_bench import MACHINE, Bench, settle_down
from rich.console import Console

from stun.pool.envelopes import Kind, ProfileEnvelope
from stun.pool.profiles import listed_prices
from stun.pool.verification import verify
from stun.provider.dashboard import LogTail, render, take_snapshot
from stun.provider.executor import ProviderService
from stun.provider.hardware import Gpu
from stun.provider.policy import ModelPrice
from stun.provider.profile import hardware_document
from stun.provider.settings import SettingsInvalid, read_settings

pytestmark = pytest.mark.unit

TOML = """
folder = "/var/lib/provider"
account = "0x{account}"
native = true
[policy]
max_batches = 2
prices = [{{ model_id = "0x{model}", asset = "0x{asset}", floor = 5 }}]
min_pay = {{ "0x{asset}" = 7 }}
[margins]
post = 10
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def profiles(bench: Bench) -> list[ProfileEnvelope]:
    return [e for e in bench.pools.read(Kind.PROFILE) if isinstance(e, ProfileEnvelope)]


def shown(service: ProviderService) -> str:
    out = io.StringIO()
    snapshot = take_snapshot(service, service.tick())
    Console(file=out, width=120).print(render(snapshot, ["a line of the log"]))
    return out.getvalue()


def test_a_profile_is_signed_and_renewed_at_half_of_its_time(bench: Bench) -> None:
    provider = bench.provider("provider", profile_seconds=100)
    provider.tick()
    bench.market.clock += 49
    provider.tick()
    (first,) = profiles(bench)
    verify(bench.market, first)
    assert listed_prices(first.document) == provider.context.settings.policy.listed()
    bench.market.clock += 1
    provider.tick()
    assert [p.profile.expires_at - first.profile.expires_at for p in profiles(bench)] == [0, 50]


def test_hardware_is_shown_as_matchers_read_it() -> None:
    document = hardware_document(replace(MACHINE, gpus=(Gpu("gpu", 2**34, (9, 0)), Gpu("other", 2**33, None))))
    assert [gpu["compute_capability"] for gpu in document["gpus"]] == [[9, 0], None]
    assert (document["gpus"][0]["memory"], document["memory"], document["tee"]) == (2**34, 2**33, "")


def test_the_dashboard_shows_work_and_warns_before_a_deadline(bench: Bench) -> None:
    provider, rival = bench.provider("provider"), bench.provider("rival")
    batch_id = bench.open_batch(bench.order(replicas=2), [provider, rival])
    calm = shown(provider)
    assert batch_id.hex()[:10] in calm
    assert "600 s" in calm
    assert "2/3" in calm
    assert "a line of the log" in calm
    bench.market.clock += 451
    assert f"batch {batch_id.hex()[:10]}: 149 s left and not on chain" in shown(rival)
    bench.market.clock += 200
    assert "this provider is out" in shown(rival)


def test_the_dashboard_adds_up_what_was_earned(bench: Bench) -> None:
    provider = bench.provider("provider")
    batch_id = bench.open_batch(bench.order(), [provider])
    settle_down([provider])
    bench.bring(batch_id)
    bench.market.clock += 400
    settle_down([provider], 2)
    assert "1 batches settled" in shown(provider)
    assert "2 of 0x" in shown(provider)


def test_a_log_tail_keeps_the_last_lines_and_passes_them_on() -> None:
    tail = LogTail(lines=2)
    for number in range(3):
        event = {"event": "bid", "price": number}
        assert tail(None, "info", event) is event
    assert list(tail.lines) == ["info    bid price=1", "info    bid price=2"]


def test_settings_are_read_from_toml(tmp_path: Path) -> None:
    file = tmp_path / "provider.toml"
    account, model, asset = b"\x01" * 32, b"\x02" * 32, b"\x03" * 32
    file.write_text(TOML.format(account=account.hex(), model=model.hex(), asset=asset.hex()))
    settings = read_settings(file)
    assert (settings.account, settings.native, settings.margins.post, settings.margins.leave) == (account, True, 10, 60)
    assert settings.policy.prices == (ModelPrice(model, asset, 5),)
    assert settings.policy.min_pay == {asset: 7}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('folder = "/x"\naccount = "0x01"', "account must have 32 bytes"),
        ('folder = "/x"\naccount = "0xzz"', "is no hex"),
        ('folder = "/x"\ncolour = 1', "colour"),
        ('folder = "/x"\n[policy]\ncolour = 1', "colour"),
        ('folder = "/x"\nchunk_tasks = 0', "chunk_tasks must be at least 1"),
        ('folder = "/x"\n[policy]\nmax_batches = 0', "max_batches and bid_seconds"),
        ("folder = ", "Invalid value"),
        ("native = true", "folder"),
    ],
)
def test_settings_that_are_wrong_are_refused(tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "provider.toml"
    file.write_text(text)
    with pytest.raises(SettingsInvalid, match=reason):
        read_settings(file)
    with pytest.raises(SettingsInvalid, match="No such file"):
        read_settings(tmp_path / "nowhere.toml")

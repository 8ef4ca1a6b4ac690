"""The owner's settings of a provider: who, where, on what terms."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from pydantic import TypeAdapter, ValidationError

from stun.protocol.errors import StunError
from stun.provider.policy import STRICT, BiddingPolicy


class SettingsInvalid(StunError):
    """A settings file that cannot be read, or a value that is out of bounds."""


@dataclass(frozen=True, slots=True)
class Margins:
    """When the provider stops waiting for others and acts by itself; seconds before a deadline, or after it.

    A margin never takes more than a third of its window, the one for leaving no more than a tenth.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = STRICT

    post: int = 300
    reveal: int = 600
    leave: int = 60
    patience: int = 120

    def post_before(self, window: int) -> int:
        """Seconds before `post_by` at which the provider posts by itself."""
        return min(self.post, window // 3)

    def reveal_before(self, window: int) -> int:
        """Seconds before `reveal_by` at which the provider reveals by itself."""
        return min(self.reveal, window // 3)

    def leave_before(self, window: int) -> int:
        """Seconds before `post_by` at which unfinished work is given up."""
        return max(1, min(self.leave, window // 10))


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """What the owner sets; the policy and margins are values of their own.

    `account`: 32 bytes, whose money and stake it is (the signer's own if None, else the signer is its operator).
    `store_urls` are announced with deliveries. `native` posts at once instead of waiting for a keeper.
    `keep_balance`, `least_payout` and `payout_to` move earnings out; nothing moves without `payout_to`.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = STRICT

    folder: Path
    account: bytes | None = None
    policy: BiddingPolicy = field(default_factory=BiddingPolicy)
    margins: Margins = field(default_factory=Margins)
    store_urls: tuple[str, ...] = ()
    region: str = ""
    native: bool = False
    chunk_tasks: int = 32
    max_failures: int = 3
    max_package_bytes: int = 64 * 2**20
    profile_seconds: int = 3_600
    poll_seconds: float = 2.0
    retry_seconds: int = 15
    final_blocks: int = 0
    lookback_blocks: int = 5_000
    payout_to: bytes | None = None
    keep_balance: int = 0
    least_payout: int = 1

    def __post_init__(self) -> None:
        _require_account("account", self.account)
        _require_account("payout_to", self.payout_to)
        for name in ("chunk_tasks", "max_failures", "max_package_bytes", "profile_seconds", "retry_seconds"):
            if getattr(self, name) < 1:
                raise SettingsInvalid(f"{name} must be at least 1")
        if min(self.policy.max_batches, self.policy.bid_seconds) < 1:
            raise SettingsInvalid("max_batches and bid_seconds must be at least 1")
        if any(min(p.floor, p.margin_bps, p.load_bps, p.task_milliseconds) < 0 for p in self.policy.prices):
            raise SettingsInvalid("a price, margin, surcharge or task time must not be negative")


def read_settings(path: Path) -> ProviderSettings:
    """Read a TOML file; bytes are 0x-hex, unknown keys are refused. Errors: SettingsInvalid."""
    try:
        document = _bytes_of(tomllib.loads(path.read_text()))
        return TypeAdapter(ProviderSettings).validate_python(document)
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise SettingsInvalid(f"{path}: {error}") from error


def _bytes_of(value: Any) -> Any:
    """Replace 0x-hex text by bytes, in keys too."""
    if isinstance(value, dict):
        return {_bytes_of(key): _bytes_of(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_bytes_of(entry) for entry in value]
    if isinstance(value, str) and value.startswith("0x"):
        try:
            return bytes.fromhex(value[2:])
        except ValueError as error:
            raise SettingsInvalid(f"{value[:80]} is no hex") from error
    return value


def _require_account(name: str, account: bytes | None) -> None:
    if account is not None and len(account) != 32:
        raise SettingsInvalid(f"{name} must have 32 bytes")

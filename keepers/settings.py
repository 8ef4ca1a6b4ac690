"""How a keeper is set up; each field is also the environment variable `STUN_KEEPER_<FIELD>`."""

from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from keepers.services.matcher_state import MatcherPolicy
from keepers.services.profit import ProfitRule
from keepers.services.settler_state import SettlerPolicy
from keepers.services.turns import Turns


class KeeperSettings(BaseSettings):
    """Times in seconds, money in the asset's smallest unit; accounts and assets are 0x-hex of 20 or 32 bytes.

    `account`: who a dry run pretends to be. `keystore`: an encrypted key file (its passphrase in STUN_PASSPHRASE);
    without it the key in STUN_KEY, without that a dry run. `cost_per_million_gas` by asset: without an entry gas
    counts nothing, and tiny batches are served at a loss. `stores`: blob servers this keeper reads open outputs from.
    `keepers`: the known keepers of the duty, who then take turns without collisions.
    """

    model_config = SettingsConfigDict(env_prefix="STUN_KEEPER_")

    deployment: Path = Path("deployments/local/evm.json")
    rpc_urls: list[str] = ["http://127.0.0.1:8545"]
    pools: list[str] = ["http://127.0.0.1:8646"]
    stores: list[str] = []
    database: Path = Path("keeper.db")
    keystore: Path | None = None
    account: str = "0x" + "00" * 20
    tick_seconds: float = Field(default=2.0, gt=0)
    metrics_host: str = "127.0.0.1"
    metrics_port: int = Field(default=0, ge=0, le=65_535)
    first_block: int = Field(default=0, ge=0)
    reorg_depth: int = Field(default=64, ge=1)
    facts_seconds: int = Field(default=10, ge=0)
    patience: int = Field(default=30, ge=0)

    bid_window: int = Field(default=5, ge=0)
    ask_seconds: int = Field(default=30, ge=1)
    ask_again: int = Field(default=60, ge=1)
    bid_margin: int = Field(default=5, ge=0)
    ask_factor: int = Field(default=2, ge=1)
    asks_per_tick: int = Field(default=512, ge=1)
    matches_per_tick: int = Field(default=32, ge=1)

    deadline_margin: int = Field(default=30, ge=0)
    slot_seconds: int = Field(default=4, ge=0)
    places: int = Field(default=4, ge=1)
    keepers: list[str] = []

    cost_per_million_gas: dict[str, int] = {}
    expected_use_bps: int = Field(default=5_000, ge=0, le=10_000)
    least_profit: int = 0

    @field_validator("account")
    @classmethod
    def _check_account(cls, text: str) -> str:
        account_of(text)
        return text

    @field_validator("keepers")
    @classmethod
    def _check_keepers(cls, texts: list[str]) -> list[str]:
        for text in texts:
            account_of(text)
        return texts

    def profit(self) -> ProfitRule:
        """When a duty is worth its gas."""
        costs = {account_of(asset): cost for asset, cost in self.cost_per_million_gas.items()}
        return ProfitRule(costs, self.expected_use_bps, self.least_profit)

    def matcher(self) -> MatcherPolicy:
        """How the matcher works."""
        return MatcherPolicy(
            self.bid_window,
            self.ask_seconds,
            self.ask_again,
            self.bid_margin,
            self.ask_factor,
            self.asks_per_tick,
            self.matches_per_tick,
            self.profit(),
        )

    def settler(self) -> SettlerPolicy:
        """How the settler works."""
        keepers = tuple(account_of(text) for text in self.keepers)
        return SettlerPolicy(self.deadline_margin, Turns(self.slot_seconds, self.places, keepers), self.profit())


def account_of(text: str) -> bytes:
    """Read an account or asset as 32 bytes. Errors: ValueError."""
    raw = bytes.fromhex(text.removeprefix("0x"))
    if len(raw) not in (20, 32):
        raise ValueError(f"{text!r} is no account: 20 or 32 bytes of hex")
    return raw.rjust(32, b"\0")

"""Settings of the SDK and the command line: arguments, then `STUN_*` variables, then a network's table in a TOML file.

The file is `~/.config/stun/config.toml` (or `STUN_CONFIG`): `network = "name"` and one table `[networks.name]` each.
A key is no setting: it comes from a keystore file or the variable STUN_KEY, and is in no record here.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from stun_sdk.errors import SettingsInvalid

Urls = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """What one client is set up with; lists in variables are separated by commas. Times in seconds.

    `store_folder`: a blob store on this machine, used beside `store_urls`. `account`: a named account of a devnet.
    `confirmations`: blocks on top of an event before it counts. `auto_deposit`: move what an order needs from the
    wallet into the market. `offer_seconds`: how long an order without a price waits for providers to offer the model.
    """

    model_config = SettingsConfigDict(env_prefix="STUN_", extra="forbid", frozen=True)

    network: str = ""
    deployment: Path | None = None
    rpc_urls: Urls = ()
    pool_urls: Urls = ()
    store_urls: Urls = ()
    store_folder: Path | None = None
    keystore: Path | None = None
    account: str = ""
    usdc: str = ""
    state_folder: Path | None = None
    devnet: Path | None = None
    asset: str = "STUN"
    auto_deposit: bool = True
    confirmations: int = Field(0, ge=0)
    poll_seconds: float = Field(1.0, gt=0)
    timeout_seconds: float = Field(600.0, gt=0)
    store_seconds: float = Field(60.0, gt=0)
    offer_seconds: float = Field(60.0, ge=0)

    @field_validator("rpc_urls", "pool_urls", "store_urls", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("asset")
    @classmethod
    def _upper(cls, value: str) -> str:
        return value if value.startswith("0x") else value.upper()


def load_settings(given: Mapping[str, Any] | None = None, config: Path | None = None) -> Settings:
    """Join arguments, environment and the file. None among the arguments means "not given". Errors: SettingsInvalid."""
    document = read_config(config or config_path())
    try:
        first = Settings(**{name: value for name, value in (given or {}).items() if value is not None})
        chosen = first.model_dump(exclude_unset=True)
        network = first.network or document.get("network", "")
        table = document.get("networks", {}).get(network, {})
        return Settings(**(table | chosen | {"network": network}))
    except ValidationError as error:
        raise SettingsInvalid(_told(error)) from None


def config_path() -> Path:
    """Where the file stands."""
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return Path(os.environ.get("STUN_CONFIG") or home / "stun" / "config.toml")


def data_folder() -> Path:
    """Where state is kept that outlives a command."""
    home = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return home / "stun"


def devnet_folder(settings: Settings) -> Path:
    """Where this user's devnet lives."""
    return settings.devnet or data_folder() / "devnet"


def read_config(path: Path) -> dict[str, Any]:
    """Read the file; {} if there is none. Errors: SettingsInvalid."""
    try:
        document = tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SettingsInvalid(f"{path}: {error}") from error
    networks = document.get("networks", {})
    unknown = set(document) - {"network", "networks"}
    if unknown or not isinstance(document.get("network", ""), str) or not isinstance(networks, dict):
        raise SettingsInvalid(f'{path}: knows only network = "name" and tables [networks.name]')
    if not all(isinstance(table, dict) for table in networks.values()):
        raise SettingsInvalid(f"{path}: every network is a table")
    return document


def _told(error: ValidationError) -> str:
    """What is wrong with which setting; the value is left out, it might be a secret in the wrong place."""
    parts = (f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors())
    return "settings: " + "; ".join(parts)

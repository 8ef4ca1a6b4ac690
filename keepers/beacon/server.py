"""A development network's beacon: signs each round when it is due, and serves it as drand's servers do.

`GET /public/{round}`, `/public/latest` and `/info`; 404 for a round that is not out. The secret is public unless
another is given, so this is no beacon for money that counts: it binds to the loopback. Run it with
`python -m keepers.beacon.server`; its settings are environment variables `STUN_BEACON_*`.
"""

import os
import time
from typing import Any

from granian.constants import Interfaces
from granian.server.mp import MPServer
from litestar import Litestar, Response, get
from litestar.datastructures import State
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from keepers.beacon.sources import RoundNotOut, SigningSource
from stun.protocol.beacon.bls import SCHEME, public_key, randomness
from stun.protocol.beacon.bn254 import ORDER
from stun.protocol.beacon.networks import DEVELOPMENT_SECRET, development_schedule
from stun.protocol.beacon.rounds import Schedule

MAX_DIGITS = 20  # of a number of 64 bits
_SCHEDULE = development_schedule()


class BeaconServerSettings(BaseSettings):
    """Which rounds the server signs and where it listens; each field is also the variable `STUN_BEACON_<FIELD>`.

    `secret`: a number in [1, ORDER); `genesis` and `period` in seconds, as the beacon's contract has them.
    """

    model_config = SettingsConfigDict(env_prefix="STUN_BEACON_")

    host: str = "127.0.0.1"
    port: int = Field(default=8_647, ge=1, le=65_535)
    secret: int = Field(default=DEVELOPMENT_SECRET, repr=False)
    genesis: int = Field(default=_SCHEDULE.genesis, gt=1)
    period: int = Field(default=_SCHEDULE.period_seconds, gt=0)

    @field_validator("secret")
    @classmethod
    def _check_secret(cls, secret: int) -> int:
        if not 0 < secret < ORDER:
            raise ValueError("a secret is a number in [1, ORDER)")
        return secret

    def source(self) -> SigningSource:
        """The signer on this machine's clock."""
        schedule = Schedule(self.genesis, self.period, _SCHEDULE.delay_seconds, _SCHEDULE.stride)
        return SigningSource(self.secret, schedule, lambda: int(time.time()))


@get("/public/{number:str}", sync_to_thread=True)
def serve_round(number: FromPath[str], state: State) -> Response[dict[str, Any]]:
    """Serve a round by its number, or the last one as `latest`."""
    source: SigningSource = state.source
    latest = number == "latest"
    if not latest and not (number.isascii() and number.isdigit() and len(number) <= MAX_DIGITS):
        raise NotFoundException("a round is a decimal number")
    wanted = source.latest() if latest else int(number)
    try:
        signature = source.signature(wanted)
    except RoundNotOut as error:
        raise NotFoundException(str(error)) from None
    headers = {"Cache-Control": "no-store" if latest else "public, max-age=31536000, immutable"}
    told = {"round": wanted, "randomness": randomness(signature).hex(), "signature": signature.hex()}
    return Response(told, headers=headers)


@get("/info", sync_to_thread=False)
def serve_info(state: State) -> dict[str, Any]:
    """Say whose rounds these are and when they come out."""
    return dict(state.info)


def create_app(settings: BeaconServerSettings, source: SigningSource | None = None) -> Litestar:
    """Make the ASGI application; another source than that of the settings is for tests."""
    info = {
        "public_key": public_key(settings.secret).hex(), "period": settings.period, "genesis_time": settings.genesis,
        "schemeID": SCHEME,
    }  # fmt: skip
    state = State({"source": source or settings.source(), "info": info}, deep_copy=False)
    return Litestar(route_handlers=[serve_round, serve_info], state=state, openapi_config=None)


def app_from_environment() -> Litestar:
    """Make the application that the environment describes, in the server's worker."""
    return create_app(BeaconServerSettings())


def serve(settings: BeaconServerSettings) -> None:
    """Run the server until SIGINT or SIGTERM; the worker learns the settings through the environment."""
    os.environ.update({f"STUN_BEACON_{key.upper()}": str(value) for key, value in settings.model_dump().items()})
    MPServer(
        "keepers.beacon.server:app_from_environment",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        factory=True,
        websockets=False,
        workers_kill_timeout=10,
    ).serve()


if __name__ == "__main__":
    serve(BeaconServerSettings())

"""What a client keeps on this machine: the secret its outputs are sealed to, and the orders it signed."""

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from stun.pool.envelopes import Kind, OrderEnvelope
from stun.pool.errors import WireInvalid
from stun.pool.wire import decode, encode
from stun.storage.sealed import KEY_BYTES, RecipientKeys, new_seed, recipient_keypair
from stun_sdk.errors import SettingsInvalid

SEED_FILE = "recipient.seed"
ORDERS = "orders"


@dataclass(frozen=True, slots=True)
class KeptOrder:
    """An order as it was signed, the block after which its events are, and whether one plain input was given."""

    envelope: OrderEnvelope
    first_block: int
    single: bool
    output_format: str


class Keeping:
    """One account's folder. A lost seed is lost outputs: back it up with the key."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def recipient(self) -> RecipientKeys:
        """The keys that outputs are sealed to, made at first use. Errors: SettingsInvalid when the file is damaged."""
        path = self._folder / SEED_FILE
        if not path.exists():
            _write(path, new_seed().hex().encode(), replace=False)
        try:
            seed = bytes.fromhex(path.read_text().strip())
        except (OSError, ValueError):
            seed = b""
        if len(seed) != KEY_BYTES:
            raise SettingsInvalid(f"{path} holds no seed; restore it from your backup, outputs are sealed to it")
        return recipient_keypair(seed)

    def keep(self, digest: bytes, order: KeptOrder) -> None:
        """Write an order down before it is published."""
        document = {
            "order": json.loads(encode(order.envelope)), "first_block": order.first_block, "single": order.single,
            "output_format": order.output_format,
        }  # fmt: skip
        _write(self._path(digest), json.dumps(document).encode())

    def find(self, digest: bytes) -> KeptOrder | None:
        """A kept order, None if there is none. Errors: SettingsInvalid when its file is damaged."""
        path = self._path(digest)
        try:
            document = json.loads(path.read_bytes())
            envelope = decode(Kind.ORDER, json.dumps(document["order"]).encode())
            assert isinstance(envelope, OrderEnvelope), "the kind was asked for"
            return KeptOrder(
                envelope, int(document["first_block"]), bool(document["single"]), str(document["output_format"])
            )
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, WireInvalid) as error:
            raise SettingsInvalid(f"{path} is damaged ({error}); move it away") from error

    def digests(self) -> list[bytes]:
        """Every kept order, the newest first."""
        paths = sorted((self._folder / ORDERS).glob("*.json"), key=lambda path: -path.stat().st_mtime_ns)
        return [bytes.fromhex(path.stem) for path in paths if len(path.stem) == 64]

    def _path(self, digest: bytes) -> Path:
        return self._folder / ORDERS / f"{digest.hex()}.json"


def _write(path: Path, data: bytes, replace: bool = True) -> None:
    """Write a file whole, readable by its owner only; without `replace` an existing one stays."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as part:
        part.write(data)
        part.flush()
        os.fsync(part.fileno())
    if replace:
        os.replace(part.name, path)
        return
    try:
        os.link(part.name, path)
    except FileExistsError:
        return
    finally:
        os.unlink(part.name)

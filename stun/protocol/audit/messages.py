"""What a seat signs so that anybody may bring its acts, under the market's domain (stun.protocol.messages)."""

from dataclasses import dataclass
from typing import ClassVar

from stun.protocol.messages import ACCOUNT, Message


@dataclass(frozen=True, slots=True)
class SeatSeal(Message):
    """A seat commits itself to a verdict on a batch."""

    batch_id: bytes
    account: bytes
    seal: bytes

    TYPES: ClassVar[dict[str, str]] = {"batch_id": "bytes32", "account": ACCOUNT, "seal": "bytes32"}


@dataclass(frozen=True, slots=True)
class SeatVerdict(Message):
    """A seat says with which replicas its verdict agrees; who opens its seal cannot say it in its place."""

    batch_id: bytes
    account: bytes
    verdict: bytes
    agrees: int

    TYPES: ClassVar[dict[str, str]] = {
        "batch_id": "bytes32", "account": ACCOUNT, "verdict": "bytes32", "agrees": "uint8",
    }  # fmt: skip

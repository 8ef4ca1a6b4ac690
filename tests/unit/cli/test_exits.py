"""Every cause has its exit code and a stable name."""

import pytest
from stun_sdk import errors as sdk

from stun.chains.evm.accounts import KeyUnavailable
from stun.chains.evm.errors import Reverted, Unreachable
from stun.chains.interface import WaitTimeout
from stun.chains.market import BatchUnknown
from stun.cli.exits import error_name, exit_code, message_of
from stun.models.errors import UnsafeModelFile
from stun.pool.errors import PoolUnavailable
from stun.protocol.errors import Rejected, StunError
from stun.storage.blobs import BlobMissing

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("error", "code", "name"),
    [
        (StunError("what is this"), 1, "StunError"),
        (sdk.TaskInvalid("a", "b"), 2, "sdk: task"),
        (sdk.PrivacyUnavailable("tee"), 2, "sdk: privacy"),
        (sdk.DissentUnsettled(bytes(32), [bytes(32)]), 2, "sdk: dissent"),
        (UnsafeModelFile("a pickle"), 2, "UnsafeModelFile"),
        (sdk.KeyMissing("ordering"), 3, "sdk: no key"),
        (KeyUnavailable("no"), 3, "KeyUnavailable"),
        (sdk.NetworkUnknown(""), 3, "sdk: network unknown"),
        (Rejected("orders: expired"), 4, "orders: expired"),
        (Reverted("ledger: balance"), 4, "ledger: balance"),
        (sdk.NotReady(bytes(32), "waiting", 1), 5, "sdk: timeout"),
        (WaitTimeout("slow"), 5, "WaitTimeout"),
        (Unreachable("gone"), 6, "Unreachable"),
        (PoolUnavailable("p", "gone"), 6, "pool: unavailable"),
        (BlobMissing(bytes(32)), 6, "blobs: missing"),
        (sdk.PriceUnknown(bytes(32), 0, 2), 6, "sdk: price"),
        (sdk.OrderExpired(bytes(32), 1), 7, "sdk: expired"),
        (sdk.DeliveryMissing(bytes(32), {}), 7, "sdk: delivery"),
        (sdk.ModelUnknown(bytes(32)), 8, "sdk: model"),
        (BatchUnknown("no"), 8, "BatchUnknown"),
        (sdk.FundsMissing("STUN", 2, 1, 0, True), 9, "sdk: funds"),
    ],
)
def test_exit_code_and_name(error: StunError, code: int, name: str) -> None:
    assert (exit_code(error), error_name(error)) == (code, name)
    assert message_of(error)

"""An order of the zero address passed the signature check: a malformed signature recovers to zero as well."""

from collections.abc import Iterator

import pytest
from market_stage import Stage, fresh_stage

from stun.protocol.messages import NOBODY

pytestmark = pytest.mark.integration


@pytest.fixture
def stage() -> Iterator[Stage]:
    with fresh_stage() as lent:
        yield lent


@pytest.mark.parametrize("signature", [b"", bytes(65), b"\xff" * 65, bytes(512)])
def test_nobody_signs_no_order(stage: Stage, signature: bytes) -> None:
    order = stage.order(requester=NOBODY)
    arguments = stage.match_arguments(order, signature=signature)
    assert stage.refusal(stage.matcher, "match", *arguments) == "orders: signature"

"""A pool closes a kept connection after refusing a large body; the next request met that and the pool seemed gone."""

import httpx
import pytest
from pool_readers import Reports, pool_of
from pool_world import PoolWorld

from stun.pool.errors import PoolUnavailable

pytestmark = pytest.mark.unit


class Closing:
    """Ends the first `times` requests as a server does that closes a kept connection, then answers."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.asked = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if self.asked <= self.times:
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        return httpx.Response(200, json={"epoch": "one", "items": []})


@pytest.mark.parametrize(("times", "answers"), [(0, True), (1, True), (2, False)])
def test_closed_connection_is_opened_once_more(times: int, answers: bool) -> None:
    pool = Closing(times)
    client = pool_of(PoolWorld(), Reports(), pool)
    if answers:
        assert client.orders() == []
    else:
        with pytest.raises(PoolUnavailable):
            client.orders()
    assert pool.asked == min(times + 1, 2)

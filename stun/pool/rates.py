"""How often one client may ask: a bucket of tokens for each address."""

import time
from collections import OrderedDict
from collections.abc import Callable

from stun.pool.errors import RateLimited

MAX_ADDRESSES = 10_000


class Rates:
    """Each address may make `per_second` requests on average and `burst` at once; the longest idle is forgotten."""

    def __init__(self, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._burst = burst
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, address: str) -> None:
        """Count one request. Errors: RateLimited."""
        now = self._clock()
        tokens, at = self._buckets.pop(address, (float(self._burst), now))
        tokens = min(float(self._burst), tokens + (now - at) * self._per_second)
        self._buckets[address] = (max(0.0, tokens - 1), now)
        if len(self._buckets) > MAX_ADDRESSES:
            self._buckets.popitem(last=False)
        if tokens < 1:
            raise RateLimited(self._per_second)

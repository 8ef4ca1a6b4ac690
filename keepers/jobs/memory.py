"""Answers that may be used again for a while, bounded in number."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """`ask(key)` for each key at most once in `seconds` of the chain's clock; the oldest go when there are too many.

    `lasting`: seconds by answer, where they differ.
    """

    def __init__(
        self, ask: Callable[[K], V], seconds: int, most: int = 200_000, lasting: Callable[[V], int] | None = None
    ) -> None:
        self._ask = ask
        self._lasting = lasting or (lambda _: seconds)
        self._most = most
        self._held: OrderedDict[K, tuple[int, V]] = OrderedDict()

    def get(self, key: K, now: int) -> V:
        """The answer, at most `seconds` old. Errors: those of `ask`."""
        held = self._held.get(key)
        if held is not None and now < held[0] + self._lasting(held[1]):
            return held[1]
        value = self._ask(key)
        self._held[key] = (now, value)
        self._held.move_to_end(key)
        if len(self._held) > self._most:
            self._held.popitem(last=False)
        return value

    def forget(self, key: K) -> None:
        """Ask again next time."""
        self._held.pop(key, None)

"""The client for an event loop. Calls run in threads, one at a time; waits do not hold a thread.

Cancelling a wait ends it at once. Cancelling an act (deposit, submit ...) stops waiting for it: what was begun goes on
to its end in its thread, and the chain's intents see that it happens once.
"""

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from stun.chains.market import ModelRecord
from stun_sdk.client import StunClient
from stun_sdk.errors import DeliveryMissing, NotReady
from stun_sdk.model import Model
from stun_sdk.ordering import Quote
from stun_sdk.result import TaskResult
from stun_sdk.status import BatchStatus
from stun_sdk.task import Input, ModelId, Task
from stun_sdk.waiting import Goal, is_over

P = ParamSpec("P")
T = TypeVar("T")


class AsyncTaskResult:
    """A submitted order; mirrors TaskResult."""

    def __init__(self, client: "AsyncStunClient", result: TaskResult) -> None:
        self._client = client
        self.inner = result
        self.batch_id = result.batch_id
        self.order = result.order

    @property
    def id(self) -> str:
        """The order's and the batch's id as text."""
        return self.inner.id

    async def status(self) -> BatchStatus:
        """How it stands now."""
        return await self._client.call(self.inner.status)

    async def wait(  # the same names as in TaskResult
        self,
        timeout: float | None = None,
        until: Goal = "results",
    ) -> "AsyncTaskResult":
        """Wait without holding a thread. Errors as TaskResult.wait."""
        settings = self._client.inner.settings
        limit = settings.timeout_seconds if timeout is None else timeout
        loop = asyncio.get_running_loop()
        deadline = loop.time() + limit
        while True:
            status = await self.status()
            if is_over(status, until, self.order):
                return self
            if loop.time() >= deadline:
                raise NotReady(self.batch_id, status.stage, limit)
            await asyncio.sleep(settings.poll_seconds)

    async def get_output(self, timeout: float | None = None) -> bytes:
        """The output bytes of a single task. Errors as TaskResult.get_output."""
        await self._deliver(timeout)
        return await self._client.call(self.inner.get_output, 0.0)

    async def get_outputs(
        self,
        timeout: float | None = None,
        allow_refused: bool = False,
    ) -> list[bytes]:
        """The output bytes of every task. Errors as TaskResult.get_outputs."""
        await self._deliver(timeout)
        return await self._client.call(self.inner.get_outputs, 0.0, allow_refused)

    async def accept(self) -> BatchStatus:
        """Pay at once, after the outputs were checked. Errors as TaskResult.accept."""
        await self._deliver(None)
        return await self._client.call(self.inner.accept)

    async def cancel(self) -> None:
        """Take an unmatched order back. Errors as TaskResult.cancel."""
        await self._client.call(self.inner.cancel)

    async def _deliver(self, timeout: float | None) -> None:
        """Wait for results and for a delivery that fits them."""
        settings = self._client.inner.settings
        loop = asyncio.get_running_loop()
        deadline = loop.time() + (settings.timeout_seconds if timeout is None else timeout)
        await self.wait(timeout)
        while True:
            try:
                await self._client.call(self.inner.fetch)
                return
            except DeliveryMissing:
                if loop.time() >= deadline:
                    raise
            await asyncio.sleep(settings.poll_seconds)


class AsyncStunClient:
    """Mirrors StunClient. Make it by `await AsyncStunClient.open(...)`, or `async with AsyncStunClient.open(...)`."""

    def __init__(self, client: StunClient) -> None:
        self.inner = client
        self._turn = asyncio.Lock()

    @classmethod
    def open(cls, **settings: Any) -> "_Opening":
        """Connect; the arguments are those of StunClient."""
        return _Opening(settings)

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run one blocking call in a thread, after those before it; a cancelled caller does not cut it short."""
        turn = asyncio.ensure_future(self._in_turn(lambda: function(*args, **kwargs)))
        return await asyncio.shield(turn)

    async def close(self) -> None:
        """Close connections."""
        await self.call(self.inner.close)

    async def upload_model(self, model: Model) -> str:
        """Store and register a model."""
        return await self.call(self.inner.upload_model, model)

    async def models(self) -> Sequence[ModelRecord]:
        """Every registered model."""
        return await self.call(self.inner.models)

    async def estimate(self, task: Task) -> Quote:
        """What a task would lock."""
        return await self.call(self.inner.estimate, task)

    async def submit_task(self, task: Task) -> AsyncTaskResult:
        """Order a task."""
        return AsyncTaskResult(self, await self.call(self.inner.submit_task, task))

    async def submit_batch(self, inputs: Sequence[Input], *, model_id: ModelId, **terms: Any) -> AsyncTaskResult:
        """Order many tasks under one signature."""
        return await self.submit_task(Task(model_id, list(inputs), **terms))

    async def result(self, order_id: ModelId) -> AsyncTaskResult:
        """An order submitted before."""
        return AsyncTaskResult(self, await self.call(self.inner.result, order_id))

    async def status(self, order_id: ModelId) -> BatchStatus:
        """How an order or batch stands."""
        return await self.call(self.inner.status, order_id)

    async def cancel(self, order_id: ModelId) -> None:
        """Take an unmatched order back."""
        await self.call(self.inner.cancel, order_id)

    async def balance(self, asset: str | None = None) -> int:
        """Free balance in the market."""
        return await self.call(self.inner.balance, asset)

    async def deposit(self, amount: int, asset: str | None = None) -> int:
        """Move tokens into the market."""
        return await self.call(self.inner.deposit, amount, asset)

    async def withdraw(self, amount: int, asset: str | None = None, to: str | None = None) -> int:
        """Move free balance out."""
        return await self.call(self.inner.withdraw, amount, asset, to)

    async def _in_turn(self, run: Callable[[], T]) -> T:
        async with self._turn:
            return await asyncio.to_thread(run)


class _Opening:
    """A client about to be connected: await it, or enter it as a context."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = settings
        self._client: AsyncStunClient | None = None

    def __await__(self) -> Any:
        return self._open().__await__()

    async def __aenter__(self) -> AsyncStunClient:
        self._client = await self._open()
        return self._client

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.close()

    async def _open(self) -> AsyncStunClient:
        return AsyncStunClient(await asyncio.to_thread(lambda: StunClient(**self._settings)))

"""A submitted order and what comes of it."""

import time
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from stun_sdk.errors import DeliveryMissing, NotReady, TaskInvalid, TasksRefused
from stun_sdk.forms import array_reader
from stun_sdk.keeping import KeptOrder
from stun_sdk.network import parse_account
from stun_sdk.outputs import Outputs
from stun_sdk.status import BatchStatus
from stun_sdk.waiting import Goal, is_over

if TYPE_CHECKING:
    from stun_sdk.client import StunClient


class TaskResult:
    """One order, of one task or of many. Made by `submit_task`, `submit_batch` or `client.result(id)`.

    Outputs are returned only after their root was computed again and found equal to the one on the chain.
    """

    def __init__(self, client: "StunClient", batch_id: bytes, kept: KeptOrder) -> None:
        self._client = client
        self._kept = kept
        self._outputs: Outputs | None = None
        self.batch_id = batch_id
        self.order = kept.envelope.order

    def __repr__(self) -> str:
        return f"TaskResult(0x{self.batch_id.hex()}, {self.order.count} tasks)"

    @property
    def output_format(self) -> str:
        """What the model's manifest calls its outputs; "" if it was not at hand."""
        return self._kept.output_format

    @property
    def id(self) -> str:
        """The order's and the batch's id as text."""
        return "0x" + self.batch_id.hex()

    def status(self) -> BatchStatus:
        """How it stands now, read from the chain. Errors: ChainError."""
        return self._client.status(self.batch_id, self._kept)

    def is_over(self, until: Goal = "results") -> bool:
        """Whether a wait would end now. Errors as `wait`, but for NotReady."""
        return is_over(self.status(), until, self.order)

    def wait(self, timeout: float | None = None, until: Goal = "results") -> "TaskResult":
        """Wait until every live replica has shown its result, or until the batch is final; `timeout` in seconds.

        Errors: NotReady, OrderExpired, OrderCancelled, ReplicasFailed, ChainError.
        """
        settings = self._client.settings
        limit = settings.timeout_seconds if timeout is None else timeout
        deadline = time.monotonic() + limit
        while True:
            status = self.status()
            if is_over(status, until, self.order):
                return self
            if time.monotonic() >= deadline:
                raise NotReady(self.batch_id, status.stage, limit)
            time.sleep(settings.poll_seconds)

    def get_output(self, timeout: float | None = None) -> bytes:
        """The output bytes of a single task. Errors as `get_outputs`; TaskInvalid if there are several tasks."""
        if self.order.count != 1:
            raise TaskInvalid("input_data", f"this order has {self.order.count} tasks; use get_outputs()")
        return self.get_outputs(timeout)[0]

    def get_outputs(
        self, timeout: float | None = None, allow_refused: bool = False, provider: str | None = None
    ) -> list[bytes]:
        """The output bytes of every task, in order; waits for results and their delivery up to `timeout` seconds.

        `allow_refused`: b"" stands for inputs that the model refused. `provider` (an address): that replica's outputs,
        whatever the others showed. Errors: those of `wait`, ReplicasDisagree, DeliveryMissing, TasksRefused.
        """
        outputs = self._delivered(timeout, provider)
        refused = tuple(index for index, (data, units) in enumerate(outputs) if not data and not units)
        if refused and not allow_refused:
            raise TasksRefused(refused)
        return [data for data, _ in outputs]

    def get_arrays(self, timeout: float | None = None) -> list[NDArray[Any]]:
        """One array a task, by the model's output format. Errors as `get_outputs`; TaskInvalid for other formats."""
        read = array_reader(self.output_format)
        return [read(data) for data in self.get_outputs(timeout)]

    def accept(self) -> BatchStatus:
        """Pay at once, after the outputs were fetched and checked.

        Errors as `get_outputs`; KeyMissing, Rejected, DissentUnsettled (a minority of three would be paid as well).
        """
        self._delivered(None, None)
        return self._client.accept(self)

    def cancel(self) -> None:
        """Take an unmatched order back. Errors: KeyMissing, Rejected ("nonces: used": matched or cancelled already)."""
        self._client.cancel(self.batch_id)

    def fetch(self, provider: str | None = None) -> Outputs:
        """(output, units) of every task as delivered by now; one look, no wait. Errors as `get_outputs`."""
        chosen = None if provider is None else parse_account(provider, "provider")
        outputs = self._client.find_outputs(self.status(), self._kept, chosen)
        if provider is None:
            self._outputs = outputs
        return outputs

    def _delivered(self, timeout: float | None, provider: str | None) -> Outputs:
        if self._outputs is not None and provider is None:
            return self._outputs
        settings = self._client.settings
        deadline = time.monotonic() + (settings.timeout_seconds if timeout is None else timeout)
        self.wait(timeout)
        while True:
            try:
                return self.fetch(provider)
            except DeliveryMissing:  # it may come a little after the reveal
                if time.monotonic() >= deadline:
                    raise
            time.sleep(settings.poll_seconds)

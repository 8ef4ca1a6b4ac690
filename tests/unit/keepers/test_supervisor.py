"""Errors of the world are tried again; a defect ends the process with a code that is not 0."""

import logging
import threading

import pytest
from apscheduler.events import EVENT_JOB_MAX_INSTANCES

from keepers.metrics import KeeperMetrics
from keepers.supervisor import EXIT_DEFECT, EXIT_OK, Supervisor, run_cycle
from stun.chains.interface import ChainError

pytestmark = pytest.mark.unit


class Job:
    """A job whose ticks do what a list says; `ticked` is set after the last."""

    def __init__(self, *outcomes: Exception | None) -> None:
        self.metrics = KeeperMetrics("matcher")
        self.outcomes = list(outcomes)
        self.ticked = threading.Event()

    def tick(self) -> None:
        """Do the next outcome."""
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if not self.outcomes:
            self.ticked.set()
        if outcome is not None:
            raise outcome

    def count(self, name: str, **labels: str) -> float | None:
        """A sample of the job's registry."""
        return self.metrics.registry.get_sample_value(name, {"duty": "matcher", **labels})


def test_an_error_of_the_world_is_counted_and_the_next_tick_goes_on() -> None:
    job = Job(ChainError("away"), None)
    assert run_cycle(job) is False
    assert run_cycle(job) is True
    assert job.count("stun_keeper_errors_total", kind="ChainError") == 1
    assert job.count("stun_keeper_ticks_total", outcome="retry") == 1
    assert job.count("stun_keeper_ticks_total", outcome="ok") == 1


def test_a_defect_reaches_the_caller_of_a_cycle() -> None:
    with pytest.raises(ZeroDivisionError):
        run_cycle(Job(ZeroDivisionError("defect")))


def test_a_defect_ends_the_supervisor_with_its_code_after_it_was_counted() -> None:
    job = Job(ChainError("away"), ValueError("defect"))
    assert Supervisor(job, tick_seconds=0.01).run() == EXIT_DEFECT
    assert job.count("stun_keeper_errors_total", kind="ValueError") == 1
    assert job.count("stun_keeper_ticks_total", outcome="fatal") == 1
    assert job.count("stun_keeper_ticks_total", outcome="retry") == 1


def test_a_supervisor_that_is_stopped_ends_well() -> None:
    job = Job(None, None)
    supervisor = Supervisor(job, tick_seconds=0.01)
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(supervisor.run()))
    thread.start()
    assert job.ticked.wait(10)
    supervisor.stop()
    thread.join(10)
    assert codes == [EXIT_OK]


def test_a_tick_that_outlasts_its_interval_is_no_news(caplog: pytest.LogCaptureFixture) -> None:
    missed = threading.Event()

    class Slow(Job):
        def tick(self) -> None:
            missed.wait(10)
            super().tick()

    job = Slow(None)
    supervisor = Supervisor(job, tick_seconds=0.01)
    supervisor.scheduler.add_listener(lambda _: missed.set(), EVENT_JOB_MAX_INSTANCES)
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    assert missed.wait(10)
    assert job.ticked.wait(10)
    supervisor.stop()
    thread.join(10)
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == []

"""Running a keeper until it is stopped or meets what it does not understand.

Errors of the world (StunError: chain, pool, store of blobs) are counted, logged and tried again at the next tick. Any
other exception is a defect: it ends the process with a code that is not 0, after it was logged and counted.
"""

import logging
import threading
from datetime import UTC, datetime
from typing import Protocol

import structlog
from apscheduler.events import EVENT_JOB_ERROR, JobExecutionEvent
from apscheduler.schedulers.background import BackgroundScheduler

from keepers.metrics import KeeperMetrics
from stun.protocol.errors import StunError

_log = structlog.get_logger(__name__)
EXIT_OK = 0
EXIT_DEFECT = 70


class KeeperJob(Protocol):
    """A duty that works in ticks."""

    metrics: KeeperMetrics

    def tick(self) -> None:
        """Do one cycle."""


def run_cycle(job: KeeperJob) -> bool:
    """Do one cycle; return False if the world refused and the next tick shall try again. Errors: all but StunError."""
    try:
        with job.metrics.timed():
            job.tick()
    except StunError as error:
        job.metrics.failed(error)
        job.metrics.ticked("retry")
        _log.warning("tick", outcome="retry", error=f"{type(error).__name__}: {error}")
        return False
    job.metrics.ticked("ok")
    return True


class Supervisor:
    """Schedules one job, never two ticks at once, and remembers how it ended."""

    def __init__(self, job: KeeperJob, tick_seconds: float) -> None:
        self._job = job
        self._ended = threading.Event()
        self._code = EXIT_OK
        self.scheduler = BackgroundScheduler(timezone="UTC", logger=_quiet())
        self.scheduler.add_job(
            run_cycle,
            "interval",
            args=[job],
            seconds=tick_seconds,
            max_instances=1,
            coalesce=True,
            next_run_time=datetime.now(UTC),
        )
        self.scheduler.add_listener(self._on_defect, EVENT_JOB_ERROR)

    def run(self) -> int:
        """Work until `stop` or a defect; return the exit code."""
        self.scheduler.start()
        try:
            self._ended.wait()
        finally:
            self.scheduler.shutdown(wait=True)
        return self._code

    def stop(self) -> None:
        """End after the tick that is running."""
        self._ended.set()

    def _on_defect(self, event: JobExecutionEvent) -> None:
        self._code = EXIT_DEFECT
        self._job.metrics.ticked("fatal")
        self._job.metrics.failed(event.exception)
        _log.error("defect", error=f"{type(event.exception).__name__}: {event.exception}", traceback=event.traceback)
        self._ended.set()


def _quiet() -> logging.Logger:
    """A logger for the scheduler: a tick that outlasts its interval is no news, and the next one comes."""
    logger = logging.getLogger("keepers.scheduler")
    logger.setLevel(logging.ERROR)
    return logger

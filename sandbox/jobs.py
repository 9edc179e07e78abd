"""Report jobs: submitted, polled, done or failed. Every poll takes time, in which all jobs get on.

What does not belong here: how a platform names a job's states.
"""

import threading
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import count
from typing import Generic, TypeVar

from sandbox.faults import Fault, FaultKind

T = TypeVar("T")
# The client has to poll several times, and a test has to wait for nothing.
_POLLS_UNTIL_DONE = 3


class JobState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Job(Generic[T]):
    """A job and the `report` that it makes. A job that `failed` never gets done."""

    id: str
    report: T
    polls: int = 0
    failed: bool = False
    stuck: bool = False

    @property
    def state(self) -> JobState:
        """The state at the last poll."""
        if self.failed:
            return JobState.FAILED
        if self.stuck:
            return JobState.RUNNING
        if self.polls >= _POLLS_UNTIL_DONE:
            return JobState.DONE
        return JobState.RUNNING if self.polls > 1 else JobState.WAITING


class JobBook(Generic[T]):
    """The jobs of one platform, numbered from `first`. Safe to use from many threads."""

    def __init__(self, first: int) -> None:
        self._ids = count(first)
        self._lock = threading.Lock()
        self._jobs: dict[str, Job[T]] = {}
        self._waiting: set[str] = set()

    def submit(self, report: T) -> Job[T]:
        with self._lock:
            job = Job(str(next(self._ids)), report)
            self._jobs[job.id] = job
            self._waiting.add(job.id)
            return job

    def get(self, job_id: str) -> Job[T] | None:
        return self._jobs.get(job_id)

    def poll(self, job_id: str, fault: Fault | None) -> Job[T] | None:
        """The job after one more poll. None: there is no such job. JOB_FAILED ends the job; at a poll that meets
        JOB_STUCK, it makes no progress."""
        kind = fault.kind if fault is not None else None
        stuck = kind is FaultKind.JOB_STUCK
        with self._lock:
            for waiting in sorted(self._waiting):
                is_this = waiting == job_id
                job = self._jobs[waiting]
                failed = job.failed or (is_this and kind is FaultKind.JOB_FAILED)
                job = replace(job, polls=job.polls + (not (is_this and stuck)), failed=failed, stuck=is_this and stuck)
                self._jobs[waiting] = job
                if job.state in (JobState.DONE, JobState.FAILED):
                    self._waiting.discard(waiting)
            return self._jobs.get(job_id)

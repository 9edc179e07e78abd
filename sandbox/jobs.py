"""Report jobs: asked for, looked at, done, or failed.

A job is done at its third look by default, so that a client's polling is exercised without waiting. What does not
belong here: how a platform calls a job's states.
"""

import threading
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import count
from typing import Generic, TypeVar

T = TypeVar("T")


class JobState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Job(Generic[T]):
    """A job and what was `asked` of it. `looks` counts the polls it has had; `failed` is for good."""

    id: str
    asked: T
    looks: int = 0
    failed: bool = False


class JobBook(Generic[T]):
    """The jobs of one platform, numbered from `first`. Safe to use from many threads."""

    def __init__(self, first: int, looks_until_done: int = 3) -> None:
        self._ids = count(first)
        self._lock = threading.Lock()
        self._jobs: dict[str, Job[T]] = {}
        self.looks_until_done = looks_until_done

    def submit(self, asked: T) -> Job[T]:
        with self._lock:
            job = Job(str(next(self._ids)), asked)
            self._jobs[job.id] = job
            return job

    def get(self, job_id: str) -> Job[T] | None:
        with self._lock:
            return self._jobs.get(job_id)

    def look(self, job_id: str, *, fail: bool = False, stuck: bool = False) -> Job[T] | None:
        """The job after one more poll; `fail` makes it fail for good, a `stuck` one gets no further."""
        with self._lock:
            job = self._jobs.get(job_id)
            if job is None:
                return None
            job = replace(job, looks=job.looks + (not stuck), failed=job.failed or fail)
            self._jobs[job_id] = job
            return job

    def state(self, job: Job[T]) -> JobState:
        if job.failed:
            return JobState.FAILED
        if job.looks >= self.looks_until_done:
            return JobState.DONE
        return JobState.RUNNING if job.looks > 1 else JobState.WAITING

"""Runs one job in a process of its own, which the system kills at one of the job's operations.

Run with `python -m`. Arguments: the home, the database's DSN, the first day, the moment, the job (a method of
`Pipelines`) and the number of the operation. If the number is even, the kill comes after the operation, else before it.
"""

import os
import signal
import sys
from datetime import date, datetime
from pathlib import Path

from tests.simulation.faults import Fault, injected
from tests.simulation.pipelines import opened


def main(home: str, dsn: str, start: str, now: str, job: str, number: str) -> None:
    with opened(Path(home), dsn, date.fromisoformat(start)) as pipelines:
        pipelines.at(datetime.fromisoformat(now))
        with injected(Fault(int(number), kills=True, after=int(number) % 2 == 0, kill=die)):
            getattr(pipelines, job)()


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""A process of its own over the house of a simulation, which the system kills at one of its operations.

Run with `python -m`. Arguments: the home, the database's DSN, the first day, the moment, the job (a method of the
house), and the number of the operation; it is killed after the operation where the number is even.
"""

import os
import signal
import sys
from datetime import date, datetime
from pathlib import Path

from tests.simulation.house import housed
from tests.simulation.weather import Strike, watched


def main(home: str, dsn: str, start: str, now: str, job: str, number: str) -> None:
    with housed(Path(home), dsn, date.fromisoformat(start)) as house:
        house.at(datetime.fromisoformat(now))
        strike = Strike(int(number), kills=True, after=int(number) % 2 == 0, kill=die)
        with watched(strike):
            getattr(house, job)()


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""A time of day that runs faster for a deployment of processes, its embedded Postgres and its files included.

What belongs here: the clock, and what makes a process run by it. What does not: the processes.
"""

import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).parent
COMPILER = shutil.which("cc")
SECOND = 1_000_000_000


@dataclass(frozen=True)
class Clock:
    """The time of day is `then` when the machine's is `since` (nanoseconds of the epoch), and runs `rate` times as fast
    from there on.
    """

    library: Path
    since: int
    then: int
    rate: int

    def now(self) -> datetime:
        """The time of day."""
        return datetime.fromtimestamp((self.then + (time.time_ns() - self.since) * self.rate) / SECOND, UTC)

    def at_rate(self, rate: int) -> "Clock":
        """The clock that goes on from here at another rate. Files keep the times that the first rate, of one, gave."""
        since = time.time_ns()
        return Clock(self.library, since, self.then + (since - self.since) * self.rate, rate)

    def environment(self) -> Mapping[str, str]:
        """What a process that runs by the clock has in its environment."""
        return {
            "LD_PRELOAD": str(self.library),
            "FASTER_CLOCK": f"{self.since} {self.then} {self.rate}",
            "PYTHONPATH": str(HERE / "patience"),
        }


@contextmanager
def clock(then: datetime) -> Iterator[Clock]:
    """A clock that shows a time of day now, and is not faster yet."""
    assert COMPILER is not None
    with TemporaryDirectory(prefix="clearlift-clock-", dir="/tmp") as made:
        folder = Path(made)
        folder.chmod(0o755)  # the account of the embedded server loads it too
        library = folder / "clock.so"
        subprocess.run([COMPILER, "-O2", "-shared", "-fPIC", "-o", library, HERE / "clock.c"], check=True)
        yield Clock(library, time.time_ns(), round(then.timestamp()) * SECOND, 1)

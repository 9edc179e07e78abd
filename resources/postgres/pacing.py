"""A token bucket that all processes of a database share: the rate of a service is held, however many runs ask it.

What does not belong here: buckets of one process, and what is asked (resources/pacing.py, resources/http.py).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from resources.pacing import Rate
from resources.postgres.client import Postgres
from resources.sql_files import read_sql


@dataclass(frozen=True)
class SharedBucket:
    """The bucket `key`. A process that dies keeps at most the one token that each of its threads waits for."""

    postgres: Postgres
    key: str
    rate: Rate
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    def take(self) -> float:
        """Wait for a token; returns the seconds that it waited."""
        values = {"key": self.key, "per_second": self.rate.per_second, "burst": self.rate.burst}
        ((wait),) = (float(row["wait"]) for row in self.postgres.fetch(read_sql("pacing/take.sql"), values))
        if wait > 0:
            self.sleep(wait)
        return wait

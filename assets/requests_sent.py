"""Requests to the stores, as all processes noted them, by store, class and UTC day.

What belongs here: noting what a process counted, and reading all of it. What does not: counting (resources/meter.py),
and what it costs (assets/page/cost.py).
"""

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import wraps
from typing import Any

import psycopg

from resources.meter import METER, Meter
from resources.postgres import Postgres, PostgresUnreachableError
from resources.sql_files import read_sql


@dataclass(frozen=True)
class Counted:
    """How many requests of one class a store was sent on a UTC day."""

    store: str
    kind: str
    day: date
    requests: int


def write(postgres: Postgres, now: datetime, meter: Meter = METER) -> None:
    """Add what this process counted since it was noted last; where that fails, it is kept for the next time.

    A process that is killed takes along what it has not noted, so that the sums say `at least`. A database that nothing
    else has asked is not opened: it may be the one that is lost, and an embedded one would begin empty.
    """
    if not postgres.is_open or not (taken := meter.take()):
        return
    rows = sorted(taken.items())
    given = {
        "stores": [store for (store, _), _ in rows],
        "classes": [kind for (_, kind), _ in rows],
        "counts": [number for _, number in rows],
        "day": now.date(),
    }
    try:
        postgres.execute(read_sql("health/add_requests.sql"), given)
    except (PostgresUnreachableError, psycopg.Error):
        meter.put_back(taken)


def by_day(postgres: Postgres, since: date) -> Sequence[Counted]:
    """All that was noted from a day on."""
    return [Counted(**row) for row in postgres.fetch(read_sql("health/requests_by_day.sql"), {"since": since})]


def after_it(compute: Callable[..., Any]) -> Callable[..., Any]:
    """An asset's function after which the requests of its process are noted, where one of its arguments is `rooms`."""

    def note(named: dict[str, Any]) -> None:
        if "rooms" in named:
            write(named["rooms"].postgres, named["rooms"].clock())

    if inspect.isgeneratorfunction(compute):

        @wraps(compute)
        def yields(*arguments: Any, **named: Any) -> Iterator[Any]:
            yield from compute(*arguments, **named)
            note(named)

        return yields

    @wraps(compute)
    def returns(*arguments: Any, **named: Any) -> Any:
        made = compute(*arguments, **named)
        note(named)
        return made

    return returns

"""Requests that people make in the application: taken over from a table of its D1, and answered there.

What does not belong here: the table (privacy/requests_table.py), and the requests themselves (requests.py).
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import get_args

from assets.apps.personal import Person
from assets.erasure.begin import confirmed, received
from assets.erasure.identify import Asked, NotIdentifiedError
from assets.erasure.requests import RepeatedError, Request
from assets.erasure.run import Erasure
from resources.d1 import D1
from resources.d1.times import stamp
from resources.sql_files import read_sql


def waiting(d1: D1) -> int:
    """How many requests were not taken over yet."""
    return len(d1.query(read_sql("erasure/d1/requested.sql")))


def take_over(erasure: Erasure, wait: timedelta) -> list[Request]:
    """Take over what the application put there; a person confirmed it there. Then tell it the state of all of its own.

    A request that was taken over by a run that was killed is gone on with.
    """
    d1, taken = erasure.rooms.d1(erasure.app), []
    for row in d1.query(read_sql("erasure/d1/requested.sql")):
        kind: Person | None = next((one for one in get_args(Person) if one == row["kind"]), None)
        try:
            if row["kind"] and kind is None:
                raise NotIdentifiedError("the request names a kind of person that there is not", "correct it")
            request, _ = received(erasure, Asked(row["subject"] or "", kind), "application", row["id"])
            taken.append(confirmed(erasure, request, wait))
        except (NotIdentifiedError, RepeatedError) as refusal:
            _report(erasure, row["id"], "refused", refusal.reason)
    for request in _own(erasure):
        _report(erasure, request.id, request.state, request.why)
    return taken


def _own(erasure: Erasure) -> Iterator[Request]:
    return (request for request in erasure.requests.all() if request.origin == "application")


def _report(erasure: Erasure, request: str, state: str, why: str) -> None:
    at = stamp(erasure.rooms.clock())
    erasure.rooms.d1(erasure.app).execute(read_sql("erasure/d1/report.sql"), [request, state, why, at], idempotent=True)

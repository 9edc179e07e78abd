"""Requests that people make in the application: taken over from a table of its database, and answered there.

What does not belong here: the table (privacy/requests_table.py), and the requests themselves (requests.py).
"""

from collections.abc import Iterator
from datetime import timedelta

from assets.apps import App
from assets.erasure.begin import confirmed, received
from assets.erasure.identify import NotIdentifiedError, asked_in
from assets.erasure.request import Request, State
from assets.erasure.requests import RepeatedError
from assets.erasure.run import Erasure
from assets.privacy.requests_table import requests_of
from assets.rooms import Rooms
from resources.d1.times import stamp

TAKING_OVER: tuple[State, ...] = ("received", "identified", "confirmed")


def waiting(rooms: Rooms, app: App) -> int:
    """How many requests were not taken over yet."""
    return len(requests_of(rooms, app, "erasure").read("requested"))


def take_over(erasure: Erasure, wait: timedelta) -> list[Request]:
    """Take over what the application put there; a person confirmed it there. Then tell it the state of all of its own.

    A request that was taken over by a run that was killed is gone on with. One that a restore brought back already has
    its state.
    """
    taken, known = [], {request.id: request.state for request in erasure.requests.all()}
    for row in requests_of(erasure.rooms, erasure.app, "erasure").read("requested"):
        if known.get(row["id"], "received") not in TAKING_OVER:
            continue
        try:
            request, _ = received(erasure, asked_in(row), "application", row["id"])
            taken.append(confirmed(erasure, request, wait))
        except (NotIdentifiedError, RepeatedError) as refusal:
            _report(erasure, row["id"], "refused", refusal.reason)
    for request in _own(erasure):
        _report(erasure, request.id, request.state, request.why)
    return taken


def _own(erasure: Erasure) -> Iterator[Request]:
    return (request for request in erasure.requests.all() if request.origin == "application")


def _report(erasure: Erasure, request: str, state: str, why: str) -> None:
    table, at = requests_of(erasure.rooms, erasure.app, "erasure"), stamp(erasure.rooms.clock())
    table.report(id=request, state=state, why=why, at=at)

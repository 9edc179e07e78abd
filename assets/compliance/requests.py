"""Requests to be erased as a report shows them: how many, how long they took, what is overdue, why some were refused.

What belongs here: reading them, and their times. What does not: carrying a request out (assets/erasure).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from assets.apps import App
from assets.compliance.report import Section
from assets.erasure.deadlines import deadline
from assets.windows import Window
from resources.counts import counted
from resources.postgres import Postgres
from resources.sql_files import read_sql


@dataclass(frozen=True)
class Request:
    """A request to be erased, without whom it is about.

    ended_at: None while it is open. why: the ground of a refusal or failure.
    """

    kind: str
    state: str
    received_at: datetime
    ended_at: datetime | None
    why: str

    @property
    def days(self) -> float | None:
        """From receipt to end."""
        return None if self.ended_at is None else (self.ended_at - self.received_at) / timedelta(days=1)


def read(postgres: Postgres, app: App, month: Window) -> list[Request]:
    """The requests that came or ended in a month, or were open at its end. `state` is the present one."""
    parameters = {"app": app.name, "since": month.start, "until": month.end}
    return [Request(**row) for row in postgres.fetch(read_sql("compliance/requests.sql"), parameters)]


def sections(requests: Sequence[Request], month: Window, now: datetime) -> list[Section]:
    """What a report says of them. An open request counts as overdue by the end of the month, or by now within it."""
    at = min(month.end, now)
    overdue = [request for request in requests if deadline(request.received_at) < (request.ended_at or at)]
    done = [request.days for request in requests if request.state == "done" and request.days is not None]
    took = (
        f"From receipt to end, {counted(len(done), 'request')} took {median(done):.1f} days in the median, "
        f"{max(done):.1f} the longest."
        if done
        else "None was carried out to its end."
    )
    late = f" {counted(len(overdue), 'request is', 'requests are')} later than the law gives." if overdue else ""
    rows = Counter((request.kind, request.state if request.ended_at else "open") for request in requests)
    ages = {
        key: max(
            ((request.ended_at or at) - request.received_at) / timedelta(days=1)
            for request in requests
            if (request.kind, request.state if request.ended_at else "open") == key
        )
        for key in rows
    }
    grounds = Counter(request.why or "no reason was given" for request in requests if request.state == "refused")
    return [
        Section(
            "Requests to be erased",
            "not met" if overdue else "met",
            took + late,
            ("about", "state", "requests", "days of the longest"),
            [(kind, state, number, round(ages[kind, state], 1)) for (kind, state), number in sorted(rows.items())],
        ),
        Section(
            "Refusals",
            "",
            f"{counted(grounds.total(), 'request was', 'requests were')} refused.",
            ("ground", "requests"),
            grounds.most_common(),
        ),
    ]

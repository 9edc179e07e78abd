"""How long requests took, and which are overdue, of requests whose times are known."""

from datetime import UTC, datetime

import pytest

from assets.apps.clearlift import APP
from assets.compliance import requests
from assets.compliance.report import Section
from assets.windows import Window
from resources.postgres import Postgres

JUNE = Window(datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC))
PUT = """
insert into privacy.requests (app, id, kind, origin, state, received_at, changed_at, ended_at, why)
values (%s, %s, 'person', 'command', %s, %s, %s, %s, %s)
"""


def at(month: int, day: int, hour: int = 0) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def put(
    postgres: Postgres,
    state: str,
    received: datetime,
    ended: datetime | None = None,
    why: str = "",
    app: str = APP.name,
) -> None:
    number = postgres.fetch("select count(*) as n from privacy.requests")[0]["n"]
    postgres.execute(PUT, [app, f"r{number}", state, received, ended or received, ended, why])


def sections(postgres: Postgres, now: datetime = JUNE.end) -> tuple[Section, Section]:
    first, second = requests.sections(requests.read(postgres, APP, JUNE), JUNE, now)
    return first, second


def test_the_median_and_the_longest_of_what_ended_in_the_month(postgres: Postgres) -> None:
    put(postgres, "done", at(5, 30), at(6, 1, 12))
    put(postgres, "done", at(6, 1), at(6, 2))
    put(postgres, "done", at(6, 1), at(6, 11))
    put(postgres, "done", at(5, 1), at(5, 20))
    put(postgres, "done", at(6, 20), at(7, 2))
    put(postgres, "done", at(6, 1), at(6, 3), app="sesh")
    found, _ = sections(postgres)
    assert "3 requests took 2.5 days in the median, 10.0 the longest." in found.says
    assert found.verdict == "met"
    assert list(found.rows) == [("person", "done", 3, 10.0), ("person", "open", 1, 11.0)]


@pytest.mark.parametrize(
    ("received", "ended", "verdict"),
    [
        (at(5, 1), at(6, 1), "met"),
        (at(5, 1), at(6, 1, 1), "not met"),
        (at(6, 1), None, "met"),
        (at(5, 31), None, "not met"),
        (at(5, 30), None, "not met"),
    ],
)
def test_what_takes_longer_than_the_law_gives_is_overdue(
    postgres: Postgres, received: datetime, ended: datetime | None, verdict: str
) -> None:
    put(postgres, "done" if ended else "running", received, ended)
    found, _ = sections(postgres)
    assert found.verdict == verdict
    assert ("later than" in found.says) == (verdict == "not met")


def test_within_a_month_an_open_request_is_overdue_only_once_it_is(postgres: Postgres) -> None:
    put(postgres, "waiting", at(5, 15))
    assert sections(postgres, now=at(6, 14))[0].verdict == "met"
    assert sections(postgres, now=at(6, 16))[0].verdict == "not met"


def test_refusals_are_counted_by_their_grounds(postgres: Postgres) -> None:
    for why in ("nobody has this id", "nobody has this id", "", "another's id"):
        put(postgres, "refused", at(6, 3), at(6, 3), why)
    _, found = sections(postgres)
    assert found.says == "4 requests were refused."
    assert {row[0]: row[1] for row in found.rows} == {
        "another's id": 1,
        "no reason was given": 1,
        "nobody has this id": 2,
    }

"""Choices in Postgres: those of a day's events, and a mirror of the application's list; written where they differ.

What does not belong here: how events say a choice (learning.py).
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import polars as pl

from assets.apps import App
from assets.consent import learning
from assets.consent.learning import signals, subjects
from assets.consent.rule import Choice, Choices, Subject
from assets.sessions.definition import hashed
from assets.windows import Window
from resources.d1 import D1
from resources.declined import DeclinedError
from resources.postgres import Connection, copy_in
from resources.sql_files import read_sql

_COLUMNS = ("org_tag", "subject_kind", "subject", "at", "source", "refuses")


def learn(
    connection: Connection, app: App, day: Window, events: pl.LazyFrame, collect: learning.Collect
) -> dict[Subject, datetime]:
    """Store what a day's events say; of whom that is another than before, and from which moment on.

    events: all of the day. The list and the days before are stored already.
    """
    span = {"app": app.name, "day": day.start, "until": day.end}
    before = connection.execute(
        read_sql("consent/refused_before.sql"), {"app": app.name, "before": day.start}
    ).fetchall()
    users = connection.execute(read_sql("consent/of_users.sql"), span).fetchall()
    found = learning.learned(
        events.select(learning.READ),
        collect,
        frozenset(Subject(row["org_tag"], "visitor", bytes(row["subject"])) for row in before),
        [_choice(row) for row in users],
    )
    _lay(connection, found)
    return _changed(connection.execute(read_sql("consent/replace_day.sql"), span).fetchall())


def mirror(connection: Connection, app: App, d1: D1, statement: str) -> dict[Subject, datetime]:
    """Store the application's list; of whom it says another than before, and from which moment on.

    statement: the SQL that `Audience.choices` names.

    Raises:
        DeclinedError: a row has no moment that can be read, so that nobody knows what it concerns.
    """
    rows = [row for page in d1.stream(statement, "id") for row in page]
    hashes = hashed(pl.Series([row["org_tag"] for row in rows]), pl.Series([row["subject"] for row in rows]))
    _lay(
        connection,
        (
            Choice(
                Subject(row["org_tag"], row["subject_kind"], of),
                _moment(row["id"], row["chosen_at"]),
                "list",
                bool(row["refuses"]),
            )
            for row, of in zip(rows, hashes, strict=True)
        ),
    )
    return _changed(connection.execute(read_sql("consent/replace_list.sql"), {"app": app.name}).fetchall())


def refused(connection: Connection, app: App, before: datetime, events: pl.DataFrame) -> pl.Series:
    """Of each event, whether it is refused. Its columns are those of `learning.READ`; all are earlier than `before`."""
    visitors, users = subjects(events, "visitor"), subjects(events, "user")
    wanted = {subject for subject in (*visitors, *users) if subject is not None}
    rows = connection.execute(
        read_sql("consent/of_subjects.sql"),
        {
            "app": app.name,
            "before": before,
            "org_tags": [subject.org_tag for subject in wanted],
            "kinds": [subject.kind for subject in wanted],
            "subjects": [subject.hash for subject in wanted],
        },
    ).fetchall()
    choices = Choices(map(_choice, rows))
    flags, signalled = events["consent_marketing"], events.select(signals()).to_series()
    return pl.Series(
        "refused",
        [
            visitor is not None and choices.refused(visitor, user, at, flag, signal)
            for visitor, user, at, flag, signal in zip(
                visitors, users, events["timestamp"], flags, signalled, strict=True
            )
        ],
        pl.Boolean,
    )


def _moment(row: str, text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise DeclinedError(
            f"the choice {row} of the list was made at no time that can be read",
            "write it as 2026-11-29T13:05:00.000Z, then run this again",
        ) from None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _lay(connection: Connection, choices: Iterable[Choice]) -> None:
    connection.execute("drop table if exists pg_temp.incoming_choices")
    connection.execute(read_sql("consent/incoming.sql"))
    rows = {(*choice.subject, choice.at, choice.source): choice.refuses for choice in choices}
    copy_in(connection, "pg_temp.incoming_choices", _COLUMNS, ((*key, refuses) for key, refuses in rows.items()))


def _changed(rows: Iterable[Mapping[str, Any]]) -> dict[Subject, datetime]:
    return {_subject(row): row["since"] for row in rows}


def _choice(row: Mapping[str, Any]) -> Choice:
    return Choice(_subject(row), row["at"], row["source"], row["refuses"])


def _subject(row: Mapping[str, Any]) -> Subject:
    return Subject(row["org_tag"], row["subject_kind"], bytes(row["subject"]))

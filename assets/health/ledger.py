"""Findings as rows of our Postgres: one a thing that is wrong, opened and resolved by the looks of its check.

What belongs here: reading and writing them, and the samples of stores. What does not: what is due to be sent, which is
in alerts.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from assets.finding import ZERO, Finding, HealthCheck, Severity
from resources.postgres import Postgres
from resources.sql_files import read_sql

KEPT, SAMPLES_KEPT = timedelta(days=30), timedelta(days=400)


@dataclass(frozen=True)
class OpenFinding:
    """A finding that is open: the check that found it (app, name), and since when it is so."""

    app: str
    name: str
    finding: Finding
    since: datetime

    @property
    def what(self) -> str:
        """What it is called in a line: its check, and what it concerns."""
        return f"{self.app}/{self.name}: {self.finding.subject}"


@dataclass(frozen=True)
class Ledger:
    """The ledger of all apps. passing: how long what may pass by itself must be so before it is open."""

    postgres: Postgres
    passing: timedelta = ZERO

    def record(self, check: HealthCheck, found: Iterable[Finding], at: datetime) -> None:
        """Record one look: what it found is open from now on, what it found before and not now is resolved.

        A killed look is recorded for the checks that it came to; the next one goes on. Of two at once the later counts.
        """
        by_subject = {one.subject: one for one in found}
        rows = [by_subject[subject] for subject in sorted(by_subject)]
        self.postgres.execute(
            read_sql("health/record.sql"),
            {
                "app": check.app,
                "name": check.name,
                "at": at,
                "subjects": [one.subject for one in rows],
                "severities": [one.severity.value for one in rows],
                "messages": [one.message for one in rows],
                "commands": [one.command for one in rows],
                "sinces": [one.since for one in rows],
                "patiences": [
                    max(check.patience, self.passing if one.passes else ZERO).total_seconds() for one in rows
                ],
            },
        )

    def open(self) -> list[OpenFinding]:
        """What is wrong, the worst and oldest first."""
        return [_finding(row) for row in self.postgres.fetch(read_sql("health/open.sql"))]

    def looked(self) -> Mapping[tuple[str, str], datetime]:
        """When each check looked last, by app and name."""
        rows = self.postgres.fetch(read_sql("health/looked.sql"))
        return {(row["app"], row["name"]): row["looked_at"].astimezone(UTC) for row in rows}

    def tidy(self, known: Sequence[HealthCheck], at: datetime) -> None:
        """End the findings of checks that are no more, and delete what is old."""
        names = {"apps": [check.app for check in known], "names": [check.name for check in known]}
        self.postgres.execute(read_sql("health/resolve_unknown.sql"), {**names, "at": at})
        ages = {"findings_from": at - KEPT, "samples_from": at - SAMPLES_KEPT}
        self.postgres.execute(read_sql("health/forget.sql"), ages)

    def add_samples(self, measure: str, values: Mapping[str, float], at: datetime) -> None:
        """Add one measurement of each subject. measure: bytes or milliseconds."""
        given = {"subjects": list(values), "sample_values": list(values.values()), "measures": [measure] * len(values)}
        self.postgres.execute(read_sql("health/add_sample.sql"), {**given, "at": at})

    def growth(self, since: datetime) -> list[dict[str, Any]]:
        """How large each store is, and how much it grew a day since then, in bytes."""
        return self.postgres.fetch(read_sql("health/growth.sql"), {"since": since})


def _finding(row: Mapping[str, Any]) -> OpenFinding:
    since = row["since"].astimezone(UTC)
    found = Finding(row["subject"], row["message"], row["command"], Severity(row["severity"]), since)
    return OpenFinding(row["app"], row["name"], found, since)

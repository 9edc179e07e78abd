"""Alerts: what is new of findings is written as one message in the transaction that notes it, and then sent.

So a message is lost by no kill: it is there, or its findings are still new. It comes twice only where a kill falls
between sending and noting, with the key of the first time. What does not belong here: texts (message.py), receivers.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from assets.apps.pipelines import PIPELINES
from assets.finding import ZERO, Finding, HealthCheck, Severity
from assets.health.message import Alert, News, QuietHours, composed, pause
from assets.health.receivers import Receiver, UndeliveredError
from resources.counts import counted
from resources.postgres import Postgres
from resources.sql_files import read_sql

# A sensor has 60 s, and a receiver that does not answer takes up to 10.
MOST_A_RUN = 4
# By then it was tried four times.
UNTAKEN = timedelta(minutes=15)


@dataclass(frozen=True)
class Told:
    """What a run did: messages sent, and why one could not be."""

    sent: int
    undelivered: str = ""


@dataclass(frozen=True)
class Alerts:
    """The engine. quiet: hours in which only critical findings are sent. passing: how long the ledger itself must be
    away before people get an alert.
    """

    postgres: Postgres
    receiver: Receiver
    clock: Callable[[], datetime]
    quiet: QuietHours | None = None
    passing: timedelta = ZERO

    def run(self) -> Told:
        """Write what is new, then send what is due."""
        self.write()
        sent = 0
        for _ in range(MOST_A_RUN):
            try:
                if not self._send_one():
                    break
            except UndeliveredError as error:
                return Told(sent, str(error))
            sent += 1
        return Told(sent)

    def write(self) -> str:
        """Write one message of all that is new; its key, empty where nothing is."""
        at = self.clock()
        with self.postgres.connection() as connection:
            urgent_only = self.quiet is not None and self.quiet.at(at)
            rows = connection.execute(read_sql("health/due.sql"), {"urgent_only": urgent_only}).fetchall()
            if not rows:
                return ""
            news = [_news(row) for row in rows]
            alert = composed(news)
            written = {"key": alert.key, "title": alert.title, "body": alert.body, "severity": alert.severity.value}
            connection.execute(read_sql("health/write_alert.sql"), {**written, "at": at})
            connection.execute(
                read_sql("health/mark_sent.sql"),
                {
                    "apps": [one.app for one in news],
                    "names": [one.name for one in news],
                    "subjects": [one.subject for one in news],
                    "states": [one.state for one in news],
                },
            )
            return alert.key

    def _send_one(self) -> bool:
        """Send the oldest message that is due; whether there was one.

        Raises:
            UndeliveredError: it was not taken; it is due again after a pause.
        """
        at = self.clock()
        undelivered: UndeliveredError | None = None
        with self.postgres.connection() as connection:
            row = connection.execute(read_sql("health/next_alert.sql"), {"at": at}).fetchone()
            if row is None:
                return False
            try:
                self.receiver.send(Alert(row["key"], row["title"], row["body"], Severity(row["severity"])))
            except UndeliveredError as error:
                undelivered = error
                later = {"key": row["key"], "next_at": at + pause(row["tries"])}
                connection.execute(read_sql("health/alert_failed.sql"), later)
            else:
                connection.execute(read_sql("health/alert_sent.sql"), {"key": row["key"], "at": at})
        if undelivered is not None:
            raise undelivered
        return True


def check(postgres: Postgres) -> HealthCheck:
    """The look at messages that nobody takes."""

    def looks(now: datetime) -> Iterator[Finding]:
        (row,) = postgres.fetch(read_sql("health/waiting_alerts.sql"))
        if row["alerts"] and now - row["since"].astimezone(UTC) > UNTAKEN:
            said = f"{counted(row['alerts'], 'alert is', 'alerts are')} not taken by the receiver that is set"
            yield Finding("receiver", said, "clearlift doctor", Severity.CRITICAL, row["since"].astimezone(UTC))

    return HealthCheck(PIPELINES.name, "untaken_alerts", looks)


def _news(row: Mapping[str, Any]) -> News:
    since = row["since"].astimezone(UTC)
    return News(row["app"], row["name"], row["subject"], row["state"], row["message"], row["command"], since)

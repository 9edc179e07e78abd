"""Alerts: once a finding, again when it worsens or ends, grouped, retried; lost by no kill, and twice by its key alone.

Receivers are servers on loopback, some of which fail.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Any

import pytest

from assets.finding import Finding, HealthCheck, Severity
from assets.health import alerts as module
from assets.health.alerts import Alerts, Told
from assets.health.ledger import Ledger
from assets.health.message import Alert, QuietHours, pause
from assets.health.receivers import LogFile, Receiver, UndeliveredError, receiver_of
from resources.postgres import Postgres
from resources.sql_files import read_sql

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CHECK = HealthCheck("clearlift", "batches_wait", lambda _: ())


class Killed(BaseException):
    """The process ends here."""


@dataclass
class Remembering:
    """A receiver that keeps what it got. `fails`: how the next tries end."""

    name: str = "a list"
    got: list[Alert] = field(default_factory=list)
    fails: list[BaseException] = field(default_factory=list)

    def send(self, alert: Alert) -> None:
        if self.fails and isinstance(self.fails[0], UndeliveredError):
            raise self.fails.pop(0)
        self.got.append(alert)
        if self.fails:
            raise self.fails.pop(0)


@dataclass
class Desk:
    """A ledger in a database of its own, and who is told of it, at a clock that the test moves."""

    postgres: Postgres
    receiver: Receiver
    now: datetime = NOON
    quiet: QuietHours | None = None

    def find(self, *found: Finding, check: HealthCheck = CHECK) -> None:
        Ledger(self.postgres).record(check, found, self.now)

    def tell(self) -> Told:
        return Alerts(self.postgres, self.receiver, lambda: self.now, self.quiet).run()


@pytest.fixture
def desk(migrated_dsn: str) -> Iterator[Desk]:
    with Postgres(migrated_dsn) as postgres:
        yield Desk(postgres, Remembering())


def finding(subject: str = "events", severity: Severity = Severity.WARNING) -> Finding:
    return Finding(subject, "3 batches wait", "clearlift job ingest", severity)


def states(receiver: Any) -> list[str]:
    """The first word of each line of each alert."""
    return [line.split()[0] for alert in receiver.got for line in alert.body.splitlines()[:-1]]


def test_a_finding_is_told_once_and_again_when_it_worsens_or_ends(desk: Desk) -> None:
    for severity in (None, Severity.WARNING, Severity.WARNING, Severity.CRITICAL, Severity.WARNING, None, None):
        desk.find(*([finding(severity=severity)] if severity else []))
        desk.tell()
        desk.now += timedelta(minutes=5)
    assert states(desk.receiver) == ["WARNING", "CRITICAL", "RESOLVED"]
    desk.find(finding())
    assert desk.tell() == Told(1)
    assert states(desk.receiver)[-1] == "WARNING", "what comes back is new"


def test_what_passed_before_anybody_heard_of_it_is_not_told(desk: Desk) -> None:
    patient = HealthCheck("clearlift", "patient", lambda _: (), patience=timedelta(minutes=10))
    desk.find(finding(), check=patient)
    assert desk.tell() == Told(0)
    desk.now += timedelta(minutes=5)
    desk.find(check=patient)
    assert desk.tell() == Told(0)
    desk.find(finding(), check=patient)
    desk.now += timedelta(minutes=10)
    desk.find(finding(), check=patient)
    assert desk.tell() == Told(1)


def test_one_message_names_all_that_is_new_the_worst_first(desk: Desk) -> None:
    desk.find(*(finding(f"{n:02}", Severity.CRITICAL if n == 7 else Severity.WARNING) for n in range(30)))
    assert desk.tell() == Told(1)
    (alert,) = desk.receiver.got  # type: ignore[attr-defined]
    assert alert.title == "ClearLift Pipelines: 1 critical, 29 warning"
    assert alert.severity is Severity.CRITICAL
    lines = alert.body.splitlines()
    assert lines[0] == (
        "CRITICAL clearlift/batches_wait: 07: 3 batches wait. Since 2026-03-01 12:00 UTC. Next: clearlift job ingest"
    )
    assert lines[20:] == ["and 10 more: clearlift status", f"Alert {alert.key}"]


def test_in_quiet_hours_only_critical_ones_are_told_and_the_others_after_them(desk: Desk) -> None:
    desk.quiet = QuietHours.parse("22-7")
    desk.now = NOON + timedelta(hours=11)
    desk.find(finding("a"), finding("b", Severity.CRITICAL))
    desk.tell()
    assert states(desk.receiver) == ["CRITICAL"]
    desk.find(finding("a"))
    desk.tell()
    assert states(desk.receiver) == ["CRITICAL"]
    desk.now += timedelta(hours=8)
    desk.tell()
    assert states(desk.receiver) == ["CRITICAL", "WARNING", "RESOLVED"]


@pytest.mark.parametrize("text", ["22", "7-7", "22-24", "a-b", "-1-4"])
def test_hours_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="two hours of UTC are expected"):
        QuietHours.parse(text)


def test_an_alert_that_is_not_taken_is_tried_again_at_growing_pauses(desk: Desk) -> None:
    receiver = desk.receiver
    assert isinstance(receiver, Remembering)
    receiver.fails = [UndeliveredError("slack did not take the alert", "wait") for _ in range(3)]
    desk.find(finding())
    tried = []
    for _ in range(20):
        if desk.tell() != Told(0):
            tried.append((desk.now - NOON) // timedelta(minutes=1))
        desk.now += timedelta(minutes=1)
    assert tried == [0, 1, 3, 7]
    assert states(receiver) == ["WARNING"]
    assert pause(50) == timedelta(hours=1)


def test_a_kill_between_sending_and_noting_sends_it_again_by_the_same_key(desk: Desk) -> None:
    receiver = desk.receiver
    assert isinstance(receiver, Remembering)
    receiver.fails = [Killed()]
    desk.find(finding())
    with pytest.raises(Killed):
        desk.tell()
    assert desk.tell() == Told(1)
    assert len(receiver.got) == 2
    assert len({alert.key for alert in receiver.got}) == 1


def test_of_two_senders_at_once_one_sends(desk: Desk) -> None:
    sending, go_on = threading.Event(), threading.Event()

    class Slow(Remembering):
        def send(self, alert: Alert) -> None:
            sending.set()
            assert go_on.wait(30)
            super().send(alert)

    desk.receiver = Slow()
    desk.find(finding())
    first = threading.Thread(target=desk.tell)
    first.start()
    assert sending.wait(30)
    with Postgres(desk.postgres.dsn) as other:
        assert Desk(other, Remembering()).tell() == Told(0)
    go_on.set()
    first.join()
    assert states(desk.receiver) == ["WARNING"]


def test_a_hundred_kills_lose_no_news_and_a_receiver_knows_what_comes_twice(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    random, receiver, kills = Random(7), desk.receiver, 0
    assert isinstance(receiver, Remembering)

    def killing(path: str) -> str:
        if random.random() < 0.15:
            raise Killed
        return read_sql(path)

    monkeypatch.setattr(module, "read_sql", killing)
    wanted: list[str] = []
    while kills < 100:
        subject = f"{len(wanted):03}"
        wanted.append(subject)
        desk.find(finding(subject), *(finding(old) for old in wanted[:-1]))
        desk.now += timedelta(minutes=1)
        if random.random() < 0.2:
            receiver.fails = [random.choice([Killed(), UndeliveredError("closed", "wait")])]
        try:
            desk.tell()
        except Killed:
            kills += 1
    monkeypatch.undo()
    receiver.fails = []
    for _ in range(70):
        desk.now += timedelta(minutes=1)
        desk.tell()
    by_key = {alert.key: alert for alert in receiver.got}
    named = [line.split(": ")[1] for alert in by_key.values() for line in alert.body.splitlines()[:-1]]
    assert sorted(named) == wanted


@contextmanager
def served(*answers: int) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """A server on loopback that gives these HTTP statuses in turn, then 200; its port and what it got."""
    got: list[dict[str, Any]] = []
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(left.pop(0) if left else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port, got
        finally:
            server.shutdown()
            thread.join()


def test_a_server_that_fails_gets_it_later_and_the_token_of_its_address_is_in_no_text(desk: Desk) -> None:
    desk.find(finding(severity=Severity.CRITICAL))
    with served(500, 503) as (port, got):
        desk.receiver = receiver_of(f"json://me:hushhush@127.0.0.1:{port}/hook", lambda: desk.now)
        assert desk.tell().undelivered.startswith("json did not take the alert")
        # Another process goes on with it.
        for _ in range(4):
            desk.now += timedelta(minutes=2)
            told = Desk(desk.postgres, desk.receiver, desk.now).tell()
            assert "hushhush" not in str(told)
    assert [message["type"] for message in got] == ["failure"] * 3
    assert len({message["message"] for message in got}) == 1
    assert got[0]["title"] == "ClearLift Pipelines: 1 critical"


def test_a_closed_port_keeps_the_alert(desk: Desk) -> None:
    with served() as (port, _):
        pass
    desk.receiver = receiver_of(f"json://127.0.0.1:{port}", lambda: desk.now)
    desk.find(finding())
    assert desk.tell().sent == 0
    desk.receiver = Remembering()
    desk.now += timedelta(minutes=1)
    assert desk.tell() == Told(1)


def test_a_file_gets_a_line_an_alert_for_its_owner_alone(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "alerts.log"
    desk.receiver = receiver_of(f"file://{path}", lambda: desk.now)
    desk.find(finding())
    desk.tell()
    (line,) = path.read_text().splitlines()
    assert json.loads(line)["severity"] == "warning"
    assert path.stat().st_mode & 0o777 == 0o600
    missing = LogFile(tmp_path / "no" / "such", lambda: desk.now)
    with pytest.raises(UndeliveredError, match="alerts cannot be written: No such file"):
        missing.send(Alert("k", "t", "b", Severity.WARNING))


@pytest.mark.parametrize("url", ["nosuch://x", "file://alerts.log", "file:///folder/"])
def test_an_address_of_nobody_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"(begins as|whole path)"):
        receiver_of(url, lambda: NOON)

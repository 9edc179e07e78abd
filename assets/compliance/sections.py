"""The sections of a compliance report: read from the stores, judged, in words.

What belongs here: what a report says of retention, keys, access, consent and the trail. What does not: requests
(requests.py), and how a report looks (report.py).
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from assets.apps import App
from assets.audit import heads
from assets.audit.chain import verify
from assets.backups import keys as envelopes
from assets.backups.covered import target_of
from assets.compliance import requests
from assets.compliance.report import Report, Section, Verdict
from assets.retention.stores import entries, prune_all
from assets.rooms import Rooms
from assets.sealing import references
from assets.windows import Window
from resources.counts import counted
from resources.sql_files import read_sql

OLDEST_KEY = timedelta(days=365)
"""A key that seals for longer should be rotated."""


def make(rooms: Rooms, app: App, month: Window) -> Report:
    """The report of a month. Of a month in progress it says what there is until now."""
    now = rooms.clock()
    asked = requests.read(rooms.postgres, app, month)
    return Report(
        app.title,
        month.start,
        now,
        [
            retention(rooms, app, month),
            *requests.sections(asked, month, now),
            exemptions(rooms, app),
            unsealed(app),
            keys(rooms, now),
            access(rooms, app, month),
            choices(rooms, app, month),
            trail(rooms, month, now),
        ],
    )


def retention(rooms: Rooms, app: App, month: Window) -> Section:
    """Whether what is old has gone, by a dry run of retention; and what went in the month."""
    outcomes = prune_all(rooms, app, entries(app), run_id="compliance", dry_run=True)
    deleted = {(row["store"], row["name"]): row["rows"] for row in _rows(rooms, "deleted", app, month)}
    rows: list[tuple[str | int | None, ...]] = []
    for outcome in outcomes:
        entry = outcome.deletion.entry
        why = "; ".join(
            dict.fromkeys([*(held.why for held in outcome.held_back), *filter(None, [str(outcome.stopped or "")])])
        )
        gone = deleted.pop((entry.store, entry.name), 0)
        days = entry.delete_after_days
        rows.append((entry.store, entry.name, days, outcome.going, outcome.held_rows, gone, why))
    rows += [(store, name, None, None, None, gone, "") for (store, name), gone in sorted(deleted.items())]
    held = sum(outcome.held_rows for outcome in outcomes)
    stopped = sum(outcome.stopped is not None for outcome in outcomes)
    verdict: Verdict = "not met" if held or stopped else "met"
    return Section(
        "Retention",
        verdict if outcomes else "",
        f"{counted(held, 'row')} older than the policy are held back, {counted(stopped, 'table')} could not be judged. "
        "What is old and may go, goes with the next daily run."
        if outcomes
        else "Nothing of this application is deleted by age.",
        ("store", "name", "days", "old, may go", "old, held back", "deleted in the month", "why it stays"),
        rows,
    )


def exemptions(rooms: Rooms, app: App) -> Section:
    """What an erasure leaves, and why: of everybody by the registry, and of some people until a day."""
    statement = read_sql("compliance/exemptions.sql")
    left = [
        (*row["name"].split("/", 1), f"until {row['until']}", f"{row['reason']} ({counted(row['people'], 'request')})")
        for row in rooms.postgres.fetch(statement, {"app": app.name})
    ]
    kept = [entry for entry in app.holdings if entry.erasure == "keep"]
    return Section(
        "What an erasure keeps",
        "",
        "It stays by these reasons, for as long as the policy keeps it.",
        ("store", "name", "days", "reason"),
        [*((entry.store, entry.name, _days(app, entry.store, entry.name), entry.reason) for entry in kept), *left],
    )


def unsealed(app: App) -> Section:
    """What identifies people and lies in clear, and why."""
    rows = [(e.store, e.name, rule.columns, rule.reason) for e in app.holdings for rule in e.unsealed]
    says = "It cannot be sealed, by these reasons." if rows else "All that identifies people can be sealed."
    return Section("What is not sealed", "", says, ("store", "name", "columns", "reason"), rows)


def keys(rooms: Rooms, now: datetime) -> Section:
    """The keys, their age and their use."""
    found, kept = references.count(rooms, rooms.keyring), envelopes.kept(target_of(rooms), rooms.keyring)
    newest = found.keys[max(kept)]
    old, loose = now - newest.first_seen_at > OLDEST_KEY, [str(key_id) for key_id, at in kept.items() if at is None]
    says = [f"Key {newest.key_id} seals" + ("; the others only open what they sealed." if len(kept) > 1 else ".")]
    says += ["It is worn, or has sealed for longer than a year: rotate it."] if old or newest.is_worn else []
    says += [f"In no envelope: {', '.join(loose)}."] if loose else []
    return Section(
        "Keys",
        "not met" if old or newest.is_worn or loose else "met",
        " ".join(says),
        ("key", "first seen", "days", "live values", "backups", "retired", "newest envelope"),
        [
            (
                str(key.key_id),
                _date(key.first_seen_at),
                (now - key.first_seen_at).days,
                sum(found.live.get(key.key_id, {}).values()),
                found.backups.get(key.key_id, 0),
                _date(key.retired_at),
                _date(kept.get(key.key_id)) or "none",
            )
            for key in found.keys.values()
        ],
    )


def access(rooms: Rooms, app: App, month: Window) -> Section:
    """Who read or changed personal data, by command and job."""
    columns = ("act", "work", "store", "place", "entries", "rows", "persons", "actors")
    rows = _rows(rooms, "access", app, month)
    return Section(
        "Access",
        "",
        f"{counted(sum(row['entries'] for row in rows), 'entry', 'entries')} of the audit trail. "
        "Rows are those that were counted; persons those who are named one by one.",
        columns,
        [[row[name] for name in columns] for row in rows],
    )


def choices(rooms: Rooms, app: App, month: Window) -> Section:
    """What people chose about marketing and the sale of their data."""
    rows = _rows(rooms, "choices", app, month)
    return Section(
        "Choices about marketing",
        "",
        f"{counted(sum(row['choices'] for row in rows), 'choice')} of this month are honoured.",
        ("made by", "choice", "of", "choices"),
        [
            (row["source"], "refuses" if row["refuses"] else "agrees", row["subject_kind"], row["choices"])
            for row in rows
        ],
    )


def trail(rooms: Rooms, month: Window, now: datetime) -> Section:
    """Whether the audit trail is whole, and has a head of each day of the month since the first one."""
    written = list(heads.heads(rooms.object_store))
    done, with_head = verify(rooms.postgres, written), {heads.day_of(head) for head in written}
    days = [f"{day.start:%Y-%m-%d}" for day in month.days() if day.end <= now]
    missing = [day for day in days if day > min(with_head, default="") and day not in with_head]
    verdict: Verdict = "not met" if done.faults else "unknown" if missing or not with_head else "met"
    return Section(
        "Audit trail",
        verdict,
        f"{counted(done.entries, 'entry', 'entries')} read, {counted(done.heads, 'head')} compared, "
        f"{counted(len(done.faults), 'fault')}; {counted(len(missing), 'day')} of the month without a head.",
        ("what is wrong",),
        [(fault,) for fault in done.faults] + [(f"{day}: no head",) for day in missing],
    )


def _date(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d}" if at else ""


def _days(app: App, store: str, name: str) -> int | None:
    found: Iterator[int | None] = (
        entry.delete_after_days for entry in app.lifecycles if (entry.store, entry.name) == (store, name)
    )
    return next(found, None)


def _rows(rooms: Rooms, statement: str, app: App, month: Window) -> Sequence[dict[str, Any]]:
    parameters = {"app": app.name, "since": month.start, "until": month.end}
    return rooms.postgres.fetch(read_sql(f"compliance/{statement}.sql"), parameters)

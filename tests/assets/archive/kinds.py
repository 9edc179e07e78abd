"""Every kind of table that is archived: in the lake, in D1, in Postgres. No fixtures."""

import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from assets.apps.sesh_series import SESSIONS
from assets.rows.target import Into
from assets.series.layout import month_partition
from assets.series.registry import change, load, table
from resources.d1 import Param
from tests.assets.archive.archive_stores import ArchiveStores, Row

RESTATED = """
insert into ads.restatements
    (app, org_id, platform, account_id, campaign_id, date, seen_at, sync_run_id, currency, spend_after)
values ('clearlift', %s, 'google', '1', '2', '2026-02-03', '2026-02-03 04:05:06', gen_random_uuid(), 'EUR', 1.5)
"""


@dataclass(frozen=True)
class Kind:
    """A table of a store: `happen` adds rows of one bucket or two; `rows` gives what is live or aside; `clear` deletes
    the live rows, as retention does; `writes` are steps that a restore must have.
    """

    app: str
    table: str
    happen: Callable[[ArchiveStores, int], object]
    rows: Callable[[ArchiveStores, Into], Counter[Row]]
    clear: Callable[[ArchiveStores], object]
    writes: tuple[str, ...]


def _events(archive_stores: ArchiveStores, orgs: int) -> None:
    for org in ("a3f7c2", "b8e9d1")[:orgs]:
        archive_stores.happen(2, org)


def _sessions(archive_stores: ArchiveStores, users: int) -> None:
    """Of two users that fall into two buckets; a session in each of two months."""
    d1 = archive_stores.d1["sesh"]
    for month, user in itertools.product((1, 2), ("user-0", "user-1")[:users]):
        found = load(d1, SESSIONS)
        partition = month_partition(SESSIONS, datetime(2026, month, 1, tzinfo=UTC))
        if found.named(partition.name) is None:
            change(d1, found, [*found.partitions, partition], table(SESSIONS, partition), "2026-01-01T00:00:00.000Z")
        d1.upsert("users", ["id", "email"], [[user, f"{user}@example.org"]], ["id"])
        row: list[Param] = [f"s-{next(archive_stores.numbers)}", user, f"2026-{month:02}-03T04:05:06.007Z", 0.5, "ü\n"]
        d1.upsert(partition.name, ["id", "userId", "timestamp", "amount", "notes"], [row], ["id"])


def _sessions_found(archive_stores: ArchiveStores, into: Into) -> Counter[Row]:
    d1, name = archive_stores.d1["sesh"], "sessions" if into == "live" else "sessions_restored"
    if not d1.query("select 1 from sqlite_master where name = ?", [name]):
        return Counter()
    return Counter(tuple(row.values()) for row in d1.query(f"select * from {name}"))


def _sessions_cleared(archive_stores: ArchiveStores) -> None:
    for month in ("01", "02"):
        archive_stores.d1["sesh"].execute(f"delete from sessions_2026_{month}")


def _restated(archive_stores: ArchiveStores, orgs: int) -> None:
    for org in ("org one", "org/two")[:orgs]:
        archive_stores.postgres.execute(RESTATED, (org,))


def _restated_found(archive_stores: ArchiveStores, into: Into) -> Counter[Row]:
    name = "ads.restatements" if into == "live" else "restored.ads_restatements"
    if archive_stores.postgres.fetch("select to_regclass(%s) as there", (name,))[0]["there"] is None:
        return Counter()
    return Counter((row["line"],) for row in archive_stores.postgres.fetch(f"select r::text as line from {name} r"))


def _events_found(archive_stores: ArchiveStores, into: Into) -> Counter[Row]:
    return archive_stores.live("events" if into == "live" else "events_restored")


KINDS = (
    Kind("clearlift", "events", _events, _events_found, ArchiveStores.prune, ("write", "append", "append done")),
    Kind("sesh", "sessions", _sessions, _sessions_found, _sessions_cleared, ("execute done",)),
    Kind(
        "clearlift",
        "ads.restatements",
        _restated,
        _restated_found,
        lambda archive_stores: archive_stores.postgres.execute("delete from ads.restatements"),
        ("copy", "commit", "commit done"),
    ),
)

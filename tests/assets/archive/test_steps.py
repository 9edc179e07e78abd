"""Archive and restore of every store, ended before each I/O step or left without an answer after each change, and run
again: nothing lost, nothing twice.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from assets.apps.sesh_series import SESSIONS
from assets.archive.registry import ArchiveRegistry
from assets.rows.target import Into
from assets.series.layout import month_partition
from assets.series.registry import change, load, table
from resources.d1 import Param
from tests.assets.archive.archive_stores import QUARTER, ArchiveStores, Row
from tests.assets.archive.checkpoint import Checkpoint
from tests.assets.archive.operations import killed, unanswered

RESTATED = """
insert into ads.restatements
    (app, org_id, platform, account_id, campaign_id, date, seen_at, sync_run_id, currency, spend_after)
values ('clearlift', %s, 'google', '1', '2', '2026-02-03', '2026-02-03 04:05:06', gen_random_uuid(), 'EUR', 1.5)
"""


@dataclass(frozen=True)
class Case:
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


CASES = (
    Case("clearlift", "events", _events, _events_found, ArchiveStores.prune, ("write", "append", "append done")),
    Case("sesh", "sessions", _sessions, _sessions_found, _sessions_cleared, ("execute done",)),
    Case(
        "clearlift",
        "ads.restatements",
        _restated,
        _restated_found,
        lambda archive_stores: archive_stores.postgres.execute("delete from ads.restatements"),
        ("copy", "commit", "commit done"),
    ),
)
ENDINGS = (killed, unanswered)


@dataclass
class Walk:
    """One work from one start, ended at each of its steps in turn. `steps` says which there were."""

    start: Checkpoint
    work: Callable[[], object]
    steps: set[str] = field(default_factory=set)

    def ended(self) -> Iterator[str]:
        """The stores as each end leaves them, with where it was: to be run again. What one left before is left out."""
        left = set()
        for ending in ENDINGS:
            for number in itertools.count(1):
                self.start.rewind()
                step = ending(self.work, number)
                if step is None:
                    break
                self.steps.add(step)
                state = self.start.state()
                if state not in left:
                    left.add(state)
                    yield f"{ending.__name__} at {step}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.table)
def test_ended_at_any_step_and_run_again_it_ends_the_same(archive_stores: ArchiveStores, case: Case) -> None:
    archive_stores.now = archive_stores.now.replace(year=2027)
    _archived(archive_stores, case)
    before = case.rows(archive_stores, "live")
    case.clear(archive_stores)
    _restored(archive_stores, case, "side", before)
    _restored(archive_stores, case, "live", before)


def _archived(archive_stores: ArchiveStores, case: Case) -> None:
    """A bucket that was archived and got late rows, and one that is new."""
    registry = ArchiveRegistry(archive_stores.postgres, case.app, case.table)

    def held() -> tuple[object, ...]:
        sealed = [(r.bucket, r.number, r.rows, r.rows_added, r.checksum) for r in registry.sealed(QUARTER)]
        return sealed, registry.unsettled(), archive_stores.parts(), archive_stores.manifests()

    case.happen(archive_stores, 1)
    archive_stores.archive(case.app, case.table)
    case.happen(archive_stores, 2)
    walk = Walk(Checkpoint(archive_stores), lambda: archive_stores.archive(case.app, case.table))
    walk.work()
    expected = held()
    for end in walk.ended():
        assert archive_stores.verify(case.app, case.table).faults == [], f"what is sealed is whole, {end}"
        walk.work()
        assert held() == expected, end
    assert walk.steps >= {"put_if_absent", "put_if_absent done", "get", "list", "delete done", "commit", "commit done"}


def _restored(archive_stores: ArchiveStores, case: Case, into: Into, before: Counter[Row]) -> None:
    walk = Walk(Checkpoint(archive_stores), lambda: archive_stores.restore(case.app, case.table, into))
    for end in walk.ended():
        assert case.rows(archive_stores, into) <= before, end
        walk.work()
        assert case.rows(archive_stores, into) == before, end
    assert walk.steps >= {"get", *case.writes}
    assert case.rows(archive_stores, into) == before
    walk.start.rewind()

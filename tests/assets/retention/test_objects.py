"""Objects of R2 go when they are old enough and were read, and no others."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from unittest.mock import patch
from uuid import uuid4

import pytest

from assets.retention import objects
from assets.retention.objects import UNKNOWN
from tests.assets.archive.archive_stores import ArchiveStores
from tests.assets.archive.operations import killed
from tests.assets.archive.test_kills import at_once
from tests.assets.retention.rolled_up_stores import RolledUpStores
from tests.assets.retention.test_kills import steps

Know = Callable[[ArchiveStores, str], None]
SHA256 = "ab" * 32


def batch(archive_stores: ArchiveStores, key: str, state: str = "committed") -> None:
    run, etag = uuid4(), archive_stores.store.head(key).etag
    archive_stores.postgres.execute(
        "insert into ingest.runs (app, ingest_id, state, started_at, committed_at)"
        " values ('clearlift', %s, %s, now(), %s)",
        (run, state, datetime.now(UTC) if state == "committed" else None),
    )
    archive_stores.postgres.execute(
        "insert into ingest.batches (app, object_key, etag, sha256, ingest_id, bytes, received, stored, doubled,"
        " quarantined, without_consent) values ('clearlift', %s, %s, '', %s, 0, 0, 0, 0, 0, 0)",
        (key, etag, run),
    )


def page(archive_stores: ArchiveStores, key: str, state: str = "merged") -> None:
    run = uuid4()
    archive_stores.postgres.execute(
        "insert into ads.sync_runs (app, id, connection_id, org_id, platform, account_id, mode, started_at, status)"
        " values ('clearlift', %s, 'c', 'o', 'google', 'a', 'recent', now(), 'success')",
        (run,),
    )
    archive_stores.postgres.execute(
        "insert into ads.sync_slices (app, id, run_id, connection_id, org_id, platform, account_id, stream,"
        " observed_at, state, raw_prefix) values ('clearlift', %s, %s, 'c', 'o', 'google', 'a', 's', now(), %s, %s)",
        (uuid4(), run, state, key.rpartition("/")[0]),
    )


def log(archive_stores: ArchiveStores, key: str) -> None:
    app = key.split("/")[1]
    archive_stores.postgres.execute("insert into cache.access_objects values (%s, %s, 1, 0, 1, 0, now())", (app, key))


def flush(archive_stores: ArchiveStores, key: str) -> None:
    archive_stores.d1["sesh"].execute(
        "insert into point_objects values (?, ?, '', 0, 0, 0, 0, '')", [key, archive_stores.store.head(key).etag]
    )


@pytest.mark.parametrize(
    ("app", "prefix", "know"),
    [
        ("clearlift", "landing/events/", batch),
        ("clearlift", "raw/ads/", page),
        ("clearlift", "access/clearlift/", log),
        ("sesh", "access/sesh/", log),
        ("sesh", "sesh/points/", flush),
    ],
)
def test_objects_that_nobody_is_known_to_have_read_stay(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores, app: str, prefix: str, know: Know
) -> None:
    known, unknown = (f"{prefix}2026/{name}/x" for name in ("a", "b"))
    for key in (known, unknown):
        archive_stores.store.put(key, b"1234")
    know(archive_stores, known)
    assert rolled_up_stores.prune_entry(prefix, app).going == 0  # written now

    later(archive_stores)
    planned = rolled_up_stores.prune_entry(prefix, app, dry_run=True)
    assert (planned.total, planned.going, planned.deleted, rolled_up_stores.why(planned)) == (2, 1, 0, {UNKNOWN: 1})
    assert archive_stores.store.exists(known)
    done = rolled_up_stores.prune_entry(prefix, app)

    assert (done.deleted, done.bytes, rolled_up_stores.why(done)) == (1, 4, {UNKNOWN: 1})
    assert (archive_stores.store.exists(known), archive_stores.store.exists(unknown)) == (False, True)
    (noted,) = rolled_up_stores.deletions()
    assert (noted["rows"], noted["bytes"]) == (1, 4)


def test_what_was_taken_once_and_written_again_is_not_taken(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores
) -> None:
    for key in ("landing/events/2026/a", "landing/events/2026/b", "landing/events/2026/c"):
        archive_stores.store.put(key, b"1234")
    batch(archive_stores, "landing/events/2026/a")
    batch(archive_stores, "landing/events/2026/b", "prepared")
    archive_stores.store.put("landing/events/2026/a", b"another")
    later(archive_stores)
    assert rolled_up_stores.why(rolled_up_stores.prune_entry("landing/events/")) == {UNKNOWN: 3}
    archive_stores.store.put("raw/ads/google/c/run/slice/000000", b"1")
    page(archive_stores, "raw/ads/google/c/run/slice/000000", "staged")
    assert rolled_up_stores.why(rolled_up_stores.prune_entry("raw/ads/")) == {UNKNOWN: 1}


@pytest.mark.parametrize(
    ("app", "prefix"),
    [("clearlift", "quarantine/events/"), ("sesh", "quarantine/points/"), ("sesh", "quarantine/user-media/")],
)
def test_what_nobody_corrected_goes_by_its_age(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores, app: str, prefix: str
) -> None:
    archive_stores.store.put(f"{prefix}a", b"1")
    archive_stores.store.put(f"{prefix.rstrip('/')}-of-another/a", b"1")
    later(archive_stores)
    assert rolled_up_stores.prune_entry(prefix, app).deleted == 1
    assert archive_stores.store.exists(f"{prefix.rstrip('/')}-of-another/a")


def refuse(archive_stores: ArchiveStores, key: str, line: int, *, kept: bool = True) -> None:
    """A line of a committed batch of events is refused."""
    batch(archive_stores, key)
    archive_stores.postgres.execute("update ingest.batches set sha256 = %s where object_key = %s", (SHA256, key))
    archive_stores.postgres.execute(
        "insert into ingest.quarantine (app, sha256, line, object_key, reason, field, kept, ingest_id)"
        " select app, sha256, %s, object_key, 'r', '', %s, ingest_id from ingest.batches where object_key = %s",
        (line, kept, key),
    )


def refuse_flush(archive_stores: ArchiveStores, key: str, line: int, *, kept: bool = True) -> None:
    """A line of an ingested flush is refused."""
    flush(archive_stores, key)
    d1 = archive_stores.d1["sesh"]
    d1.execute("update point_objects set sha256 = ? where objectKey = ?", [SHA256, key])
    d1.execute(
        "insert into point_quarantine (sha256, line, objectKey, reason, field, kept, quarantinedAt)"
        " values (?, ?, ?, 'r', '', ?, '')",
        [SHA256, line, key, int(kept)],
    )


def refuse_log(archive_stores: ArchiveStores, key: str, line: int) -> None:
    """A line of a counted access log is refused."""
    log(archive_stores, key)
    archive_stores.postgres.execute("update cache.access_objects set sha256 = %s where object = %s", (SHA256, key))
    archive_stores.postgres.execute(
        "insert into cache.access_refusals (namespace, object, line, reason) values (%s, %s, %s, 'r')",
        (key.split("/")[1], key, line),
    )


EVENTS = ("clearlift", "landing/events/", "quarantine/events/", refuse, "ingest.quarantine")
POINTS = ("sesh", "sesh/points/", "quarantine/points/", refuse_flush, "point_quarantine")
ACCESS = ("sesh", "access/sesh/", "quarantine/access/sesh/", refuse_log, "cache.access_refusals")
Refuse = Callable[..., None]


def ledger(archive_stores: ArchiveStores, table: str, statement: str) -> None:
    """Run a statement on a ledger of refused lines, where it lies."""
    store = archive_stores.postgres if "." in table else archive_stores.d1["sesh"]
    store.execute(statement.replace("ledger", table))


@pytest.mark.parametrize(("app", "landing", "prefix", "refused", "table"), [EVENTS, POINTS, ACCESS])
@pytest.mark.parametrize(("line", "ending"), [(3, "ndjson.gz"), (0, "whole")])
def test_what_a_refused_line_points_to_stays_however_old_it_is(
    rolled_up_stores: RolledUpStores,
    archive_stores: ArchiveStores,
    app: str,
    landing: str,
    prefix: str,
    refused: Refuse,
    table: str,
    line: int,
    ending: str,
) -> None:
    key, kept = f"{landing}2026/a", f"{prefix}{SHA256}.{ending}"
    for name in (key, kept, f"{prefix}{'cd' * 32}.{ending}", f"{prefix}replays/replay-1/000001.ndjson.gz"):
        archive_stores.store.put(name, b"1234")
    refused(archive_stores, key, line)
    later(archive_stores)
    assert rolled_up_stores.prune_entry(landing, app).deleted == 1, "its bytes are in quarantine"
    done = rolled_up_stores.prune_entry(prefix, app)
    why = {"refused lines in the ledger point to it: clearlift quarantine list": 1}
    assert (done.deleted, rolled_up_stores.why(done)) == (2, why)
    assert [info.key for info in archive_stores.store.list(prefix.rstrip("/"))] == [kept]
    ledger(archive_stores, table, "delete from ledger")
    assert rolled_up_stores.prune_entry(prefix, app).deleted == 1


@pytest.mark.parametrize(
    ("app", "landing", "refused", "table", "close"),
    [
        (*EVENTS[:2], *EVENTS[3:], "update ledger set replayed_at = now()"),
        (*POINTS[:2], *POINTS[3:], "update ledger set replayedAt = ''"),
    ],
)
def test_the_only_bytes_of_a_batch_stay_where_they_landed_until_it_is_corrected(
    rolled_up_stores: RolledUpStores,
    archive_stores: ArchiveStores,
    app: str,
    landing: str,
    refused: Refuse,
    table: str,
    close: str,
) -> None:
    """Batches that were refused as a whole were not copied to quarantine before."""
    archive_stores.store.put(f"{landing}2026/a", b"1234")
    refused(archive_stores, f"{landing}2026/a", 0, kept=False)
    later(archive_stores)
    done = rolled_up_stores.prune_entry(landing, app)
    why = {"refused as a whole, and its only bytes: clearlift quarantine list": 1}
    assert (done.deleted, rolled_up_stores.why(done)) == (0, why)
    ledger(archive_stores, table, close)
    assert rolled_up_stores.prune_entry(landing, app).deleted == 1


def test_a_large_share_stops_before_anything_goes(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores
) -> None:
    for number in range(1_000):
        archive_stores.store.put(f"quarantine/events/{number:04}", b"1")
    later(archive_stores)
    done = rolled_up_stores.prune_entry("quarantine/events/")
    assert "1,000 of 1,000 rows would be deleted" in str(done.stopped)
    assert len(list(archive_stores.store.list("quarantine/events"))) == 1_000


def test_killed_at_each_step_or_run_by_two_it_counts_every_object_once(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores
) -> None:
    later(archive_stores)
    number = went = 0
    while True:
        for name in range(5):
            archive_stores.store.put(f"quarantine/events/{name}", b"12")
        number += 1
        with steps(), patch.object(objects, "STRETCH", 2):
            operation = killed(lambda: rolled_up_stores.prune_entry("quarantine/events/"), number)
        if operation is not None:
            at_once(*[lambda: rolled_up_stores.prune_entry("quarantine/events/")] * 2)
        went += 5
        assert not list(archive_stores.store.list("quarantine/events"))
        assert sum(row["rows"] for row in rolled_up_stores.deletions()) == went
        assert sum(row["bytes"] for row in rolled_up_stores.deletions()) == 2 * went
        if operation is None:
            break
    assert number > 10


def later(archive_stores: ArchiveStores) -> None:
    """A year after the objects were written, which their store says by a clock of its own."""
    archive_stores.now = datetime.now(UTC) + timedelta(days=365)

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


def test_a_large_share_stops_before_anything_goes(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores
) -> None:
    for number in range(1_000):
        archive_stores.store.put(f"quarantine/events/{number:04}", b"1")
    later(archive_stores)
    done = rolled_up_stores.prune_entry("quarantine/events/")
    assert "1,000 of 1,000 rows would be deleted" in done.stopped
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

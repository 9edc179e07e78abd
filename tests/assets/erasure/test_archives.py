"""Erasing people from archives: what stays is sealed and byte for byte as before, and nothing says who is gone."""

import gzip
import json
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from assets.archive.registry import ArchiveRegistry
from assets.erasure import archives
from assets.privacy.identity import Erased, Identity
from resources.declined import DeclinedError
from tests.assets.archive.archive_stores import APPS_BY_NAME, ArchiveStores
from tests.assets.archive.kinds import KINDS
from tests.assets.erasure.calls import Killed, dying_at
from tests.assets.erasure.traces import traces

ANNA = "user-anna-0001"


def erase(stores: ArchiveStores, app: str = "clearlift", **of: Any) -> Erased:
    eraser = archives.eraser(stores.rooms, APPS_BY_NAME[app])
    assert eraser is not None
    identity = Identity("request-1", app, of.pop("ids", {"user": frozenset({ANNA})}), **of)
    return eraser.erase([identity])


def lines(stores: ArchiveStores) -> Counter[bytes]:
    """Every archived line, and how often it is there."""
    return Counter(line for key in stores.parts() for line in gzip.decompress(stores.store.get(key)).splitlines())


def others(stores: ArchiveStores) -> Counter[bytes]:
    return Counter({line: n for line, n in lines(stores).items() if ANNA.encode() not in line})


def test_only_members_with_somebody_are_packed_again(archive_stores: ArchiveStores) -> None:
    archive_stores.part_bytes = 2_000
    archive_stores.happen(20)
    archive_stores.happen(1, day=2, user_id=ANNA)
    archive_stores.happen(20, day=3)
    archive_stores.archive()
    before, left = set(archive_stores.parts()), others(archive_stores)

    done = erase(archive_stores)

    assert (done.place, done.rows, done.objects) == ("archives", 1, 1)
    assert lines(archive_stores) == left
    assert len(before - set(archive_stores.parts())) == 1
    assert archive_stores.verify().faults == []
    assert traces(archive_stores.folder / "archive", ANNA) == []
    assert erase(archive_stores) == Erased("archives")


def test_no_difference_of_checksums_is_left(archive_stores: ArchiveStores) -> None:
    archive_stores.happen(2, user_id=ANNA)
    archive_stores.happen(2)
    archive_stores.archive()
    archive_stores.happen(1, day=2)
    archive_stores.archive()
    (row,) = archive_stores.postgres.fetch("select checksum from archive.sealed")

    erase(archive_stores)

    assert [key.rpartition("/")[2] for key in archive_stores.manifests()] == ["manifest-000003.json"]
    revisions = archive_stores.postgres.fetch("select revision, rows, checksum from archive.revisions")
    assert [(each["revision"], each["rows"]) for each in revisions] == [(3, 3)]
    assert traces(archive_stores.folder, row["checksum"]) == []


def test_older_revisions_stay_where_nobody_was_erased(archive_stores: ArchiveStores) -> None:
    for day in (1, 2):
        archive_stores.happen(1, day=day)
        archive_stores.archive()
    before = archive_stores.manifests()

    assert erase(archive_stores) == Erased("archives")

    assert archive_stores.manifests() == before
    assert len(archive_stores.postgres.fetch("select 1 from archive.revisions")) == 2


def test_what_others_say_of_somebody_is_emptied(archive_stores: ArchiveStores) -> None:
    archive_stores.happen(1, referrer=f"https://shop.example/?u={ANNA}", page_path=f"/of/{ANNA}", gclid=None)
    archive_stores.archive()

    assert erase(archive_stores).rows == 0

    (line,) = lines(archive_stores)
    assert json.loads(line)["referrer"] is None
    assert json.loads(line)["page_path"].startswith("erased-")
    assert archive_stores.verify().faults == []


def test_an_old_archive_brings_nobody_back(archive_stores: ArchiveStores) -> None:
    archive_stores.happen(3, user_id=ANNA)
    archive_stores.happen(3)
    archive_stores.archive()
    archive_stores.prune()

    erase(archive_stores)
    archive_stores.restore(into="live")

    assert sum(archive_stores.live().values()) == 3
    assert archive_stores.archive().sealed == 0


def test_the_archive_of_an_organisation_goes_as_a_whole(archive_stores: ArchiveStores) -> None:
    archive_stores.happen(2, "a3f7c2")
    archive_stores.happen(3, "b8e9d1")
    archive_stores.archive()
    KINDS[2].happen(archive_stores, 2)
    archive_stores.now += timedelta(days=400)
    archive_stores.archive(table="ads.restatements")

    done = erase(archive_stores, ids={}, organisation=frozenset({"b8e9d1", "org/two"}))

    assert (done.rows, done.objects) == (4, 2)
    assert traces(archive_stores.folder / "archive", "b8e9d1", "org/two", "org%2Ftwo") == []
    assert {key.split("/")[4] for key in archive_stores.parts()} == {"a3f7c2", "org%20one"}
    assert {r["bucket"] for r in archive_stores.postgres.fetch("select bucket from archive.revisions")} == {
        "a3f7c2",
        "org%20one",
    }
    assert erase(archive_stores, ids={}, organisation=frozenset({"b8e9d1", "org/two"})) == Erased("archives")


def test_a_user_of_a_series_is_erased_and_others_of_the_bucket_stay(archive_stores: ArchiveStores) -> None:
    KINDS[1].happen(archive_stores, 2)
    archive_stores.now += timedelta(days=800)
    archive_stores.archive("sesh", "sessions")
    left = Counter({line: n for line, n in lines(archive_stores).items() if b'"user-0"' not in line})
    assert left

    done = erase(archive_stores, "sesh", ids={"user": frozenset({"user-0"})})

    assert (done.rows, lines(archive_stores)) == (2, left)
    assert archive_stores.verify("sesh", "sessions").faults == []


def test_a_damaged_part_is_named_and_the_others_are_done(archive_stores: ArchiveStores) -> None:
    archive_stores.happen(2, "a3f7c2", user_id=ANNA)
    archive_stores.happen(2, "b8e9d1", user_id=ANNA)
    archive_stores.archive()
    damaged, _ = sorted(archive_stores.parts())
    content = archive_stores.store.get(damaged)
    archive_stores.store.put(damaged, content[:-5])

    with pytest.raises(DeclinedError, match=damaged):
        erase(archive_stores)

    assert archive_stores.verify().rows == 0
    archive_stores.store.put(damaged, content)
    assert erase(archive_stores).rows == 2
    assert traces(archive_stores.folder / "archive", ANNA) == []


@pytest.mark.parametrize("change", ["put_if_absent", "delete", "begin", "verified", "seal", "forget_older"])
# Before a call is after the one before it, so that the long-running tests alone try it.
@pytest.mark.parametrize("moment", [pytest.param("before", marks=pytest.mark.soak), "after"])
def test_a_killed_run_is_finished_by_the_next(archive_stores: ArchiveStores, change: str, moment: str) -> None:
    for org in ("a3f7c2", "b8e9d1"):
        archive_stores.happen(2, org, user_id=ANNA)
        archive_stores.happen(2, org)
    archive_stores.archive()
    left = others(archive_stores)
    owner = archive_stores.store if hasattr(archive_stores.store, change) else ArchiveRegistry

    for call in range(1, 20):
        with suppress(Killed), dying_at(owner, change, call, moment):
            erase(archive_stores)
            break

    assert erase(archive_stores) == Erased("archives")
    assert lines(archive_stores) == left
    assert archive_stores.verify().faults == []
    assert traces(archive_stores.folder / "archive", ANNA) == []
    assert len(archive_stores.manifests()) == 2
    assert len(archive_stores.postgres.fetch("select 1 from archive.revisions")) == 2

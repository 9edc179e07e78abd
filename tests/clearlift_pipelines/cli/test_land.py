"""`clearlift land`: event files on their way in."""

import gzip
import importlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from assets.apps.clearlift import APP as CLEARLIFT
from clearlift_pipelines.cli import apps, land
from clearlift_pipelines.stores import utc_now
from resources.r2 import FolderObjectStore
from sandbox import sample, sample_stores
from tests.assets.event_pipeline import line
from tests.clearlift_pipelines.cli import intake
from tests.clearlift_pipelines.cli.terminal import Terminal

assert CLEARLIFT.audience is not None
AUDIENCE, PREFIX = CLEARLIFT.audience, CLEARLIFT.audience.landing


def test_files_and_folders_land_and_landing_them_again_stores_nothing(migrated: Terminal) -> None:
    folder = migrated.folder / "files"
    (folder / "deep").mkdir(parents=True)
    (folder / "one.ndjson").write_bytes(line(1) + b"\n" + line(2))
    (folder / "deep" / "two ü.jsonl.gz").write_bytes(gzip.compress(line(3)))
    (folder / "notes.txt").write_text("no events")
    said = migrated.good("land", str(folder))
    assert said.startswith("2 batches landed of 2 files under landing/events/")
    intake.ingest(migrated)
    assert intake.totals(migrated)["stored"] == 3

    before = intake.totals(migrated)
    (folder / "renamed.jsonl").write_bytes((folder / "one.ndjson").read_bytes())
    migrated.monkeypatch.setattr(land, "utc_now", lambda: utc_now() + timedelta(hours=3))
    said = migrated.good("land", str(folder), str(folder / "one.ndjson"))
    assert said.startswith("0 batches landed of 4 files under landing/events/")
    assert said.endswith("\n4 batches had been landed before\n")
    intake.ingest(migrated)
    assert intake.totals(migrated) == before
    assert len(list(migrated.stores.object_store.list(PREFIX))) == 2


def test_a_landing_that_was_killed_goes_on_under_the_key_it_chose(migrated: Terminal) -> None:
    store = migrated.stores.object_store
    put, killed = FolderObjectStore.put_if_absent, []

    def kill_before_the_batch(self: FolderObjectStore, key: str, data: bytes) -> bool:
        if key.startswith(PREFIX):
            killed.append(key)
            raise KeyboardInterrupt
        return put(self, key, data)

    (migrated.folder / "one.ndjson").write_bytes(line(1))
    with migrated.monkeypatch.context() as patch:
        patch.setattr(FolderObjectStore, "put_if_absent", kill_before_the_batch)
        assert migrated.clearlift("land", "one.ndjson").code == 130
    assert not list(store.list(PREFIX))
    migrated.monkeypatch.setattr(land, "utc_now", lambda: utc_now() + timedelta(hours=3))
    migrated.good("land", "one.ndjson")
    assert [info.key for info in store.list(PREFIX)] == killed


def test_a_sample_landed_again_is_the_same_objects(migrated: Terminal) -> None:
    store = migrated.stores.object_store
    batches, _ = sample.batches(utc_now(), days=1, scale=0.01)
    first, again = ([store.head(sample_stores.land(store, batch)) for batch in batches[:3]] for _ in range(2))
    assert [info.etag for info in first] == [info.etag for info in again]


def test_what_is_empty_or_no_event_file_is_reported(migrated: Terminal) -> None:
    folder = migrated.folder / "files"
    folder.mkdir()
    (folder / "notes.txt").write_text("no events")
    (folder / "empty.ndjson").write_bytes(b"")
    (folder / "blank.ndjson").write_bytes(b" \n\n")
    (folder / "packed.ndjson.gz").write_bytes(gzip.compress(b""))
    (folder / "packed-blank.ndjson.gz").write_bytes(gzip.compress(b"\n\n"))
    said = migrated.clearlift("land", str(folder))
    assert (said.code, said.out.partition(" under ")[0]) == (0, "0 batches landed of 4 files")
    for name in ("empty.ndjson", "blank.ndjson", "packed.ndjson.gz", "packed-blank.ndjson.gz"):
        assert f"{folder / name} is empty" in said.err
    assert "1 file skipped: an event file ends in .ndjson" in said.err
    assert "Next" not in said.out
    assert list(migrated.stores.object_store.list("landing")) == []


def test_a_damaged_file_lands_for_its_ingest_to_refuse(migrated: Terminal) -> None:
    (migrated.folder / "cut.ndjson.gz").write_bytes(gzip.compress(b"")[:-4])
    assert migrated.good("land", "cut.ndjson.gz").startswith("1 batch landed of 1 file under ")
    intake.ingest(migrated)
    assert intake.totals(migrated)["quarantined"] == 1


def test_a_large_plain_file_lands_in_parts_cut_at_line_ends(migrated: Terminal) -> None:
    migrated.monkeypatch.setattr(land, "PART_BYTES", 1_000)
    file = migrated.folder / "large.ndjson"
    file.write_bytes(b"\n".join(line(n) for n in range(20)))
    assert "batches landed of 1 file" in migrated.good("land", str(file))
    keys = [info.key for info in migrated.stores.object_store.list(PREFIX)]
    assert len(keys) > 2
    intake.ingest(migrated)
    assert (intake.totals(migrated)["stored"], intake.totals(migrated)["quarantined"]) == (20, 0)


def test_what_is_no_event_file_is_refused(terminal: Terminal) -> None:
    file = terminal.folder / "events.csv"
    file.write_text("a,b")
    assert "name a file that ends in .ndjson" in terminal.refused("land", str(file))
    assert "no event files" in terminal.refused("land", str(terminal.folder))
    said = terminal.clearlift("land", "missing.ndjson")
    assert said.code == 2
    assert "missing.ndjson" in said.err


def test_an_app_that_collects_no_events_is_refused(terminal: Terminal) -> None:
    (terminal.folder / "one.ndjson").write_bytes(line(1))
    ended = terminal.clearlift("land", "one.ndjson", "--app", "sesh")
    assert ended.code == 2
    assert "Invalid value for '--app': 'sesh' is not" in ended.err
    assert "clearlift" in ended.err
    assert not list(terminal.stores.object_store.list("landing/"))


@pytest.fixture
def two_apps() -> Iterator[None]:
    """A second app that collects events. The option knows the apps when its module is imported."""
    audience = replace(AUDIENCE, landing="landing/other/", receipts="landing/other-receipts/")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(apps, "APPS", (CLEARLIFT, replace(CLEARLIFT, name="other", audience=audience)))
        importlib.reload(land)
        yield
    importlib.reload(land)


@pytest.mark.usefixtures("two_apps")
def test_each_of_several_apps_has_receipts_of_its_own(migrated: Terminal) -> None:
    (migrated.folder / "one.ndjson").write_bytes(line(1))
    ended = migrated.clearlift("land", "one.ndjson")
    assert ended.code == 2
    assert "Missing option '--app'" in ended.err
    assert "other" in ended.err
    for app, prefix in (("clearlift", PREFIX), ("other", "landing/other/")):
        for number in (1, 0):
            landed = "1 batch" if number else "0 batches"
            said = migrated.good("land", "one.ndjson", "--app", app)
            assert said.startswith(f"{landed} landed of 1 file under {prefix}")

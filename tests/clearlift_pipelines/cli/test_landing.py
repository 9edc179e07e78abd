"""`clearlift land` and `clearlift quarantine`: files on their way in, refused lines on their way back."""

import gzip
from datetime import timedelta

import pytest

from assets.apps.clearlift import CLEARLIFT
from assets.events.landing import PREFIX
from assets.events.ledger import Ledger
from clearlift_pipelines.cli import landing
from clearlift_pipelines.cli.execution import workbench
from clearlift_pipelines.cli.run import SWEEP
from clearlift_pipelines.definitions import utc_now
from clearlift_pipelines.sandbox import sample, sample_stores
from resources.r2 import FolderObjectStore
from tests.assets.pipeline import line
from tests.clearlift_pipelines.cli.terminal import Terminal


@pytest.fixture
def migrated(terminal: Terminal) -> Terminal:
    terminal.stores.migrate()
    sample_stores.fill_d1(terminal.stores.d1(CLEARLIFT))
    return terminal


def ingest() -> None:
    """What has landed is taken in, as `clearlift run` does before all else."""
    with workbench() as bench:
        bench.run("ingest", config=SWEEP)


def totals(terminal: Terminal) -> dict[str, int]:
    return Ledger(terminal.stores.postgres).totals()


def test_files_and_folders_land_and_landing_them_again_stores_nothing(migrated: Terminal) -> None:
    folder = migrated.folder / "given"
    (folder / "deep").mkdir(parents=True)
    (folder / "one.ndjson").write_bytes(line(1) + b"\n" + line(2))
    (folder / "deep" / "two ü.jsonl.gz").write_bytes(gzip.compress(line(3)))
    (folder / "notes.txt").write_text("no events")
    said = migrated.good("land", str(folder))
    assert said.startswith("2 batches landed of 2 files under landing/events/")
    ingest()
    assert totals(migrated)["stored"] == 3

    before = totals(migrated)
    (folder / "renamed.jsonl").write_bytes((folder / "one.ndjson").read_bytes())
    migrated.monkeypatch.setattr(landing, "utc_now", lambda: utc_now() + timedelta(hours=3))
    said = migrated.good("land", str(folder), str(folder / "one.ndjson"))
    assert said.startswith("0 batches landed of 4 files under landing/events/")
    assert said.endswith("\n4 batches had been landed before\n")
    ingest()
    assert totals(migrated) == before
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
    migrated.monkeypatch.setattr(landing, "utc_now", lambda: utc_now() + timedelta(hours=3))
    migrated.good("land", "one.ndjson")
    assert [info.key for info in store.list(PREFIX)] == killed


def test_a_sample_landed_again_is_the_same_objects(migrated: Terminal) -> None:
    store = migrated.stores.object_store
    batches, _ = sample.batches(utc_now(), days=1, scale=0.01)
    first, again = ([store.head(sample_stores.land(store, batch)) for batch in batches[:3]] for _ in range(2))
    assert [info.etag for info in first] == [info.etag for info in again]


def test_what_is_empty_or_no_event_file_is_told(migrated: Terminal) -> None:
    folder = migrated.folder / "given"
    folder.mkdir()
    (folder / "notes.txt").write_text("no events")
    (folder / "empty.ndjson").write_bytes(b"")
    said = migrated.clearlift("land", str(folder))
    assert (said.code, said.out.partition(" under ")[0]) == (0, "0 batches landed of 1 files")
    assert f"{folder / 'empty.ndjson'} is empty" in said.err
    assert "1 files skipped: an event file ends in .ndjson" in said.err
    assert "Next" not in said.out


def test_a_large_plain_file_lands_in_parts_cut_at_line_ends(migrated: Terminal) -> None:
    migrated.monkeypatch.setattr(landing, "PART_BYTES", 1_000)
    file = migrated.folder / "large.ndjson"
    file.write_bytes(b"\n".join(line(n) for n in range(20)))
    assert "batches landed of 1 files" in migrated.good("land", str(file))
    keys = [info.key for info in migrated.stores.object_store.list(PREFIX)]
    assert len(keys) > 2
    ingest()
    assert (totals(migrated)["stored"], totals(migrated)["quarantined"]) == (20, 0)


def test_what_is_no_event_file_is_refused(terminal: Terminal) -> None:
    file = terminal.folder / "events.csv"
    file.write_text("a,b")
    assert "an event file ends in .ndjson" in terminal.refused("land", str(file))
    assert "no event files" in terminal.refused("land", str(terminal.folder))
    said = terminal.clearlift("land", "missing.ndjson")
    assert said.code == 2
    assert "missing.ndjson" in said.err


def test_refused_lines_are_listed_exported_mended_and_replayed(migrated: Terminal) -> None:
    assert migrated.good("quarantine", "list") == "Nothing is refused.\n"
    bad = line(2, viewport_width="wide")
    unknown = line(3, org_tag="newcom")
    (migrated.folder / "batch.ndjson").write_bytes(b"\n".join([line(1), bad, unknown]))
    migrated.good("land", "batch.ndjson")
    ingest()
    assert totals(migrated)["quarantined"] == 2

    summary = migrated.good("quarantine", "list")
    assert "wrong_type" in summary
    assert "unknown_org_tag" in summary
    assert "viewport_width" in migrated.good("quarantine", "list", "--reason", "wrong_type")
    key = migrated.stores.postgres.fetch("select object_key from ingest.quarantine limit 1")[0]["object_key"]
    migrated.good("quarantine", "export", key, "bad.ndjson")
    assert (migrated.folder / "bad.ndjson").read_bytes() == bad + b"\n" + unknown + b"\n"

    migrated.monkeypatch.setenv("COLUMNS", "80")
    assert key in "".join(row[-40:].strip() for row in migrated.good("quarantine", "list").splitlines())
    (migrated.folder / "mended.ndjson").write_bytes(line(2))
    assert "1 lines landed again" in migrated.good(
        "quarantine", "replay", "--reason", "wrong_type", "--mended", "mended.ndjson"
    )
    migrated.stores.d1(CLEARLIFT).execute("update org_tag_mappings set short_tag = 'newcom' where short_tag = 'b8e9d1'")
    assert "1 lines landed again" in migrated.good("quarantine", "replay", "--all")
    ingest()
    assert totals(migrated)["stored"] == 3
    assert migrated.good("quarantine", "list") == "Nothing is refused.\n"
    assert migrated.good("quarantine", "replay", "--all") == "Nothing to replay.\n"


def test_a_batch_that_cannot_be_read_is_mended_as_a_whole(migrated: Terminal) -> None:
    (migrated.folder / "cut.ndjson.gz").write_bytes(gzip.compress(line(1))[:-9])
    migrated.good("land", "cut.ndjson.gz")
    ingest()
    key = next(migrated.stores.object_store.list(PREFIX)).key
    said = migrated.refused("quarantine", "replay", "--reason", "unreadable_batch")
    assert f"1 whole batches cannot be read, {key} for one" in said
    assert f"{key} cannot be read: its bytes lie there, whole" in migrated.refused("quarantine", "export", key, "out")

    (migrated.folder / "mended.ndjson").write_bytes(line(1))
    batch = said.rpartition("--batch ")[2].split()[0]
    assert "1 lines landed again" in migrated.good(
        "quarantine", "replay", "--batch", batch, "--mended", "mended.ndjson"
    )
    ingest()
    assert totals(migrated)["stored"] == 1
    assert migrated.good("quarantine", "list") == "Nothing is refused.\n"


def test_names_that_match_nothing_are_refused(migrated: Terminal) -> None:
    assert "no refused lines of 'nosuch'" in migrated.refused("quarantine", "export", "nosuch", "out")
    assert not (migrated.folder / "out").exists()
    for option in ("--reason", "--batch"):
        for command in ("list", "replay"):
            assert "no refused lines of 'nosuch'" in migrated.refused("quarantine", command, option, "nosuch")


def test_a_replay_wants_to_know_which_lines(terminal: Terminal) -> None:
    said = terminal.clearlift("quarantine", "replay")
    assert said.code == 2
    assert "--reason, --batch or --all" in said.err

"""`clearlift land` and `clearlift quarantine`: files on their way in, refused lines on their way back."""

import gzip

import pytest

from assets.apps.clearlift import CLEARLIFT
from assets.events.ledger import Ledger
from clearlift_pipelines.cli import landing
from clearlift_pipelines.sandbox import sample_stores
from tests.assets.pipeline import line
from tests.clearlift_pipelines.cli.terminal import Terminal


@pytest.fixture
def migrated(terminal: Terminal) -> Terminal:
    terminal.stores.migrate()
    sample_stores.fill_d1(terminal.stores.d1(CLEARLIFT))
    return terminal


def totals(terminal: Terminal) -> dict[str, int]:
    return Ledger(terminal.stores.postgres).totals()


def test_files_and_folders_land_and_landing_them_again_stores_nothing(migrated: Terminal) -> None:
    folder = migrated.folder / "given"
    (folder / "deep").mkdir(parents=True)
    (folder / "one.ndjson").write_bytes(line(1) + b"\n" + line(2))
    (folder / "deep" / "two ü.jsonl.gz").write_bytes(gzip.compress(line(3)))
    (folder / "notes.txt").write_text("no events")
    said = migrated.good("land", str(folder))
    assert said.startswith("2 files landed as 2 batches under landing/events/")
    migrated.good("run", "--no-sample")
    assert totals(migrated)["stored"] == 3

    migrated.good("land", str(folder), str(folder / "one.ndjson"))
    migrated.good("run", "--no-sample")
    assert totals(migrated)["stored"] == 3
    assert totals(migrated)["quarantined"] == 0


def test_a_large_plain_file_lands_in_parts_cut_at_line_ends(migrated: Terminal) -> None:
    migrated.monkeypatch.setattr(landing, "PART_BYTES", 1_000)
    file = migrated.folder / "large.ndjson"
    file.write_bytes(b"\n".join(line(n) for n in range(20)))
    assert "1 files landed as" in migrated.good("land", str(file))
    keys = [info.key for info in migrated.stores.object_store.list("landing")]
    assert len(keys) > 2
    migrated.good("run", "--no-sample")
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
    migrated.good("run", "--no-sample")
    assert totals(migrated)["quarantined"] == 2

    summary = migrated.good("quarantine", "list")
    assert "wrong_type" in summary
    assert "unknown_org_tag" in summary
    assert "viewport_width" in migrated.good("quarantine", "list", "--reason", "wrong_type")
    key = migrated.stores.postgres.fetch("select object_key from ingest.quarantine limit 1")[0]["object_key"]
    migrated.good("quarantine", "export", key, "bad.ndjson")
    assert (migrated.folder / "bad.ndjson").read_bytes() == bad + b"\n" + unknown + b"\n"

    (migrated.folder / "mended.ndjson").write_bytes(line(2))
    assert "1 lines landed again" in migrated.good(
        "quarantine", "replay", "--reason", "wrong_type", "--mended", "mended.ndjson"
    )
    migrated.stores.d1(CLEARLIFT).execute("update org_tag_mappings set short_tag = 'newcom' where short_tag = 'b8e9d1'")
    assert "1 lines landed again" in migrated.good("quarantine", "replay", "--all")
    migrated.good("run", "--no-sample")
    assert totals(migrated)["stored"] == 3
    assert migrated.good("quarantine", "list") == "Nothing is refused.\n"
    assert migrated.good("quarantine", "replay", "--all") == "Nothing to replay.\n"


def test_a_replay_wants_to_know_which_lines(terminal: Terminal) -> None:
    said = terminal.clearlift("quarantine", "replay")
    assert said.code == 2
    assert "--reason, --batch or --all" in said.err

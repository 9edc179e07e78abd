"""`clearlift quarantine`: refused lines on their way back."""

import gzip
import json
from datetime import timedelta

from assets.apps.clearlift import APP as CLEARLIFT
from assets.apps.sesh import APP as SESH
from assets.cache import access_log
from assets.cache.demand import Demand
from assets.points import landing as point_landing
from assets.points.ingest import PointIngest
from clearlift_pipelines.stores import utc_now
from tests.assets.event_pipeline import line
from tests.clearlift_pipelines.cli import intake
from tests.clearlift_pipelines.cli.terminal import Terminal

PREFIX = "landing/events/"


def test_refused_lines_are_listed_exported_corrected_and_replayed(migrated: Terminal) -> None:
    assert migrated.good("quarantine", "list") == "Nothing is refused.\n"
    bad = line(2, viewport_width="wide")
    unknown = line(3, org_tag="newcom")
    (migrated.folder / "batch.ndjson").write_bytes(b"\n".join([line(1), bad, unknown]))
    migrated.good("land", "batch.ndjson")
    intake.ingest(migrated)
    assert intake.totals(migrated)["quarantined"] == 2

    summary = migrated.good("quarantine", "list")
    assert "wrong_type" in summary
    assert "unknown_org_tag" in summary
    assert "viewport_width" in migrated.good("quarantine", "list", "--reason", "wrong_type")
    key = migrated.stores.postgres.fetch("select object_key from ingest.quarantine limit 1")[0]["object_key"]
    migrated.good("quarantine", "export", key, "bad.ndjson")
    assert (migrated.folder / "bad.ndjson").read_bytes() == bad + b"\n" + unknown + b"\n"

    migrated.monkeypatch.setenv("COLUMNS", "80")
    assert key in "".join(row[-40:].strip() for row in migrated.good("quarantine", "list").splitlines())
    (migrated.folder / "corrected.ndjson").write_bytes(line(2))
    assert "1 lines landed again" in migrated.good(
        "quarantine", "replay", "--reason", "wrong_type", "--corrected", "corrected.ndjson"
    )
    migrated.stores.d1(CLEARLIFT).execute("update org_tag_mappings set short_tag = 'newcom' where short_tag = 'b8e9d1'")
    assert "1 lines landed again" in migrated.good("quarantine", "replay", "--all")
    intake.ingest(migrated)
    assert intake.totals(migrated)["stored"] == 3
    assert migrated.good("quarantine", "list") == "Nothing is refused.\n"
    assert migrated.good("quarantine", "replay", "--all") == "Nothing to replay.\n"


def test_a_batch_that_cannot_be_read_is_corrected_as_a_whole(migrated: Terminal) -> None:
    (migrated.folder / "cut.ndjson.gz").write_bytes(gzip.compress(line(1))[:-9])
    migrated.good("land", "cut.ndjson.gz")
    intake.ingest(migrated)
    key = next(migrated.stores.object_store.list(PREFIX)).key
    said = migrated.refused("quarantine", "replay", "--reason", "unreadable_batch")
    assert f"1 whole batches cannot be read, {key} for one" in said
    assert f"{key} cannot be read: its bytes lie there, whole" in migrated.refused("quarantine", "export", key, "out")

    (migrated.folder / "corrected.ndjson").write_bytes(line(1))
    batch = said.rpartition("--batch ")[2].split()[0]
    assert "1 lines landed again" in migrated.good(
        "quarantine", "replay", "--batch", batch, "--corrected", "corrected.ndjson"
    )
    intake.ingest(migrated)
    assert intake.totals(migrated)["stored"] == 1
    assert migrated.good("quarantine", "list") == "Nothing is refused.\n"


def test_a_corrected_line_ends_at_its_line_feed_alone(migrated: Terminal) -> None:
    """A carriage return between two tokens is white space of JSON."""
    (migrated.folder / "batch.ndjson").write_bytes(line(2, viewport_width="wide"))
    migrated.good("land", "batch.ndjson")
    intake.ingest(migrated)
    (migrated.folder / "corrected.ndjson").write_bytes(line(2).replace(b",", b",\r", 1) + b"\r\n")
    assert "1 lines landed again" in migrated.good("quarantine", "replay", "--all", "--corrected", "corrected.ndjson")
    intake.ingest(migrated)
    assert (intake.totals(migrated)["stored"], intake.totals(migrated)["quarantined"]) == (1, 1)


def test_an_empty_batch_is_no_batch(migrated: Terminal) -> None:
    said = migrated.clearlift("quarantine", "export", "", "out.ndjson")
    assert (said.code, "BATCH is empty" in said.err) == (2, True)


def test_the_old_name_of_the_option_still_works(migrated: Terminal) -> None:
    (migrated.folder / "one.ndjson").write_bytes(b"bad")
    migrated.good("land", "one.ndjson")
    intake.ingest(migrated)
    (migrated.folder / "corrected.ndjson").write_bytes(line(1))
    migrated.good("quarantine", "replay", "--all", "--mended", "corrected.ndjson")
    assert "--mended" not in migrated.good("quarantine", "replay", "--help")
    intake.ingest(migrated)
    assert intake.totals(migrated)["stored"] == 1


def test_lines_of_every_kind_are_listed_exported_and_replayed(migrated: Terminal) -> None:
    stores = migrated.stores
    points = f"{point_landing.zone(SESH).hour_prefix(utc_now())}flush.ndjson"
    stores.object_store.put(points, b"broken")
    access = f"{access_log.zone('sesh').hour_prefix(utc_now())}log.ndjson"
    read = {"key": "k", "hour": (utc_now() - timedelta(hours=1)).isoformat(), "reads": 2, "hits": 3}
    stores.object_store.put(access, json.dumps(read).encode())
    PointIngest.of(stores, SESH).run()
    Demand(stores.object_store, stores.postgres, stores.clock).run("sesh", [])

    by_reason = [row.split() for row in migrated.good("quarantine", "list").splitlines()]
    assert by_reason[0][:3] == ["app", "kind", "lines"]
    assert [row[:4] for row in by_reason[1:]] == [["sesh", "points", "1", "1"], ["sesh", "access", "1", "1"]]
    assert "more hits than reads" in migrated.good("quarantine", "list", "--kind", "access")
    assert migrated.good("quarantine", "list", "--app", "clearlift") == "Nothing is refused.\n"
    ended = migrated.clearlift("quarantine", "replay", "--all")
    assert (ended.code, "--app sesh --kind points; or --app sesh --kind access" in ended.err) == (2, True)

    migrated.good("quarantine", "export", points, "bad.ndjson")
    assert (migrated.folder / "bad.ndjson").read_bytes() == b"broken\n"
    (migrated.folder / "good.ndjson").write_text(json.dumps({**read, "hits": 1}))
    replayed = migrated.good("quarantine", "replay", "--all", "--kind", "access", "--corrected", "good.ndjson")
    assert replayed.startswith("1 lines landed again as access/sesh/")
    replayed = migrated.good("quarantine", "replay", "--reason", "not_json")
    assert replayed.startswith("1 lines landed again as sesh/points/")
    assert migrated.good("quarantine", "list") == "Nothing is refused.\n"
    assert Demand(stores.object_store, stores.postgres, stores.clock).run("sesh", []).reads == 2
    assert PointIngest.of(stores, SESH).run().quarantined == 1
    assert "replay-" in migrated.good("quarantine", "list", "--reason", "not_json")


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

"""`clearlift quarantine`: refused lines on their way back."""

import gzip
import json
import re
from datetime import timedelta

import pytest

from assets.apps.clearlift import APP as CLEARLIFT
from assets.apps.sesh import APP as SESH
from assets.cache import access_log
from assets.cache.demand import Demand
from assets.intake.quarantine import FOLDER
from assets.points import landing as point_landing
from assets.points.ingest import PointIngest
from clearlift_pipelines.cli.summary import print_summary
from clearlift_pipelines.cli.terminal import terminal
from clearlift_pipelines.stores import utc_now
from tests.assets.event_pipeline import line
from tests.clearlift_pipelines.cli import intake
from tests.clearlift_pipelines.cli.terminal import Terminal

PREFIX = "landing/events/"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(30)


def land(terminal: Terminal, name: str, content: bytes) -> str:
    """A landed and ingested file; the key of its batch."""
    (terminal.folder / name).write_bytes(content)
    terminal.good("land", name)
    intake.ingest(terminal)
    (info,) = (info for info in terminal.stores.object_store.list(PREFIX) if info.key.endswith(f"-{name}"))
    return info.key


def rename(terminal: Terminal, tag: str) -> None:
    """An organisation gets a tag that lines were refused for."""
    terminal.stores.d1(CLEARLIFT).execute(f"update org_tag_mappings set short_tag = '{tag}' where short_tag = 'b8e9d1'")


def columns(table: str) -> list[list[str]]:
    """The rows of a table, by the places of its header."""
    header, *rows = table.splitlines()
    starts = [match.start() for match in re.finditer(r"\S+", header)]
    ends = [*starts[1:], None]
    return [[row[start:end].strip() for start, end in zip(starts, ends, strict=True)] for row in rows]


def test_refused_lines_are_listed_exported_corrected_and_replayed(migrated: Terminal) -> None:
    assert migrated.good("quarantine", "list") == "Nothing is refused.\n"
    assert migrated.good("quarantine", "list", "--closed") == "Nothing was replayed.\n"
    bad = line(2, viewport_width="wide")
    unknown = line(3, org_tag="newcom")
    key = land(migrated, "batch.ndjson", b"\n".join([line(1), bad, unknown]))
    assert intake.totals(migrated)["quarantined"] == 2

    assert columns(migrated.good("quarantine", "list")) == [
        ["1", "1", "unknown_org_tag", "org_tag", "newcom", key],
        ["1", "1", "wrong_type", "viewport_width", "wide", key],
    ]
    assert columns(migrated.good("quarantine", "list", "--reason", "wrong_type")) == [
        [key, "2", "wrong_type", "viewport_width", "wide"]
    ]
    migrated.good("quarantine", "export", key, "bad.ndjson")
    assert (migrated.folder / "bad.ndjson").read_bytes() == bad + b"\n" + unknown + b"\n"

    (migrated.folder / "corrected.ndjson").write_bytes(line(2))
    said = migrated.good("quarantine", "replay", "--reason", "wrong_type", "--corrected", "corrected.ndjson")
    assert said.startswith("1 chosen, 1 given\n1 line landed again as ")
    (closed,) = columns(migrated.good("quarantine", "list", "--closed"))
    assert closed[:3] == [key, "2", "wrong_type"]
    assert closed[4] in said
    rename(migrated, "newcom")
    assert migrated.good("quarantine", "replay", "--all").startswith("1 line landed again")
    intake.ingest(migrated)
    assert intake.totals(migrated)["stored"] == 3
    assert migrated.good("quarantine", "list") == "Nothing is refused.\n"
    assert migrated.good("quarantine", "replay", "--all") == "Nothing to replay.\n"


def test_into_a_pipe_every_row_is_one_line(migrated: Terminal) -> None:
    key = land(migrated, f"{'long-' * 30}.ndjson", line(1, org_tag="newcom"))
    migrated.monkeypatch.setenv("COLUMNS", "80")
    for arguments in ((), ("--reason", "unknown_org_tag")):
        (row,) = columns(migrated.good("quarantine", "list", *arguments))
        assert key in row


def test_lines_are_replayed_by_field_and_value_and_what_is_not_cured_stays(migrated: Terminal) -> None:
    lines = [line(1, org_tag="newone"), line(2, org_tag="newtwo"), line(3, org_tag="newtwo"), line(4, user_id=5)]
    key = land(migrated, "batch.ndjson", b"\n".join(lines))
    by_value = ("--field", "org_tag", "--value", "newtwo")
    assert [row[1] for row in columns(migrated.good("quarantine", "list", *by_value))] == ["2", "3"]
    said = migrated.refused("quarantine", "replay", *by_value)
    assert "the cause of 2 lines is still there" in said
    assert "clearlift quarantine export" in said
    assert "values of user_id may be personal" in migrated.refused(
        "quarantine", "replay", "--field", "user_id", "--value", "5"
    )
    assert "--value needs --field" in migrated.clearlift("quarantine", "replay", "--value", "5").err

    rename(migrated, "newtwo")
    said = migrated.good("quarantine", "replay", *by_value)
    assert said.startswith("2 lines landed again as ")
    done = migrated.clearlift("quarantine", "replay", "--all")
    assert (done.code, "the cause of 2 lines is still there" in done.err) == (1, True)
    intake.ingest(migrated)
    assert (intake.totals(migrated)["stored"], intake.totals(migrated)["batches"]) == (2, 2)
    left = columns(migrated.good("quarantine", "list", "--batch", key))
    assert [row[:3] for row in left] == [[key, "1", "unknown_org_tag"], [key, "4", "wrong_type"]]
    assert "5" not in left[1], "a value that may be personal is shown nowhere"


def test_a_name_of_several_batches_is_refused_and_lists_them(migrated: Terminal) -> None:
    (migrated.folder / "files").mkdir()
    for number in range(17):
        (migrated.folder / "files" / f"{number}.ndjson").write_bytes(b"bad %d" % number)
    migrated.good("land", "files")
    intake.ingest(migrated)
    keys = [info.key for info in migrated.stores.object_store.list(PREFIX)]
    starts = [row["sha256"][0] for row in migrated.stores.postgres.fetch("select sha256 from ingest.quarantine")]
    twice = next(start for start in starts if starts.count(start) > 1)
    for arguments in (
        ("list", "--batch", twice),
        ("replay", "--batch", twice),
        ("export", twice, "out"),
    ):
        said = migrated.refused("quarantine", *arguments)
        assert f"'{twice}' names {starts.count(twice)} batches. Next: say which: {twice}" in said
        assert any(key in said for key in keys)
    for name in ("%", "_", "*"):
        assert f"no refused lines of batch '{name}'" in migrated.refused("quarantine", "replay", "--batch", name)
    assert len(columns(migrated.good("quarantine", "list", "--reason", "not_json"))) == 17


@pytest.mark.parametrize("packed", [False, True])
def test_a_batch_that_cannot_be_read_is_corrected_as_a_whole(migrated: Terminal, packed: bool) -> None:
    cut = gzip.compress(line(1), mtime=0)[:-9]
    key = land(migrated, "cut.ndjson.gz", cut)
    said = migrated.refused("quarantine", "replay", "--reason", "unreadable_batch")
    assert f"1 batch cannot be read at all, of {key} for one" in said
    batch = said.rpartition("--batch ")[2].split()[0]
    migrated.stores.object_store.delete(key)
    migrated.good("quarantine", "export", batch, "cut")
    assert (migrated.folder / "cut").read_bytes() == cut

    (migrated.folder / "corrected").write_bytes(gzip.compress(line(1), mtime=0) if packed else line(1))
    said = migrated.good("quarantine", "replay", "--batch", batch, "--corrected", "corrected")
    assert said.startswith("1 chosen, 1 given\n1 line landed again as ")
    intake.ingest(migrated)
    assert intake.totals(migrated)["stored"] == 1
    assert migrated.good("quarantine", "list") == "Nothing is refused.\n"


def test_what_is_no_correction_closes_nothing(migrated: Terminal) -> None:
    key = land(migrated, "batch.ndjson", b"bad\nworse\nworst")
    file = migrated.folder / "corrected"
    replay = ("quarantine", "replay", "--batch", key, "--corrected", "corrected")
    for content, why in (
        (b"", "corrected is empty"),
        (gzip.compress(b"", mtime=0), "corrected is empty"),
        (PNG, "line 1 is not UTF-8"),
        (gzip.compress(line(1), mtime=0)[:-9], "damaged gzip"),
        (b"bad", "line 1 is no JSON object"),
        (line(1), "3 chosen, 1 given"),
    ):
        file.write_bytes(content)
        assert why in migrated.refused(*replay)
        assert len(columns(migrated.good("quarantine", "list", "--batch", key))) == 3
    intake.ingest(migrated)
    assert intake.totals(migrated)["batches"] == 1
    assert migrated.good(*replay, "--fewer").startswith("3 chosen, 1 given\n")
    assert migrated.good("quarantine", "list") == "Nothing is refused.\n"


def test_what_was_closed_wrongly_is_opened_again_by_what_the_replay_said(migrated: Terminal) -> None:
    key = land(migrated, "cut.ndjson.gz", gzip.compress(line(1), mtime=0)[:-9])
    (migrated.folder / "wrong").write_bytes(line(7, org_tag="zzzzzz"))
    said = migrated.good("quarantine", "replay", "--batch", key, "--corrected", "wrong")
    reopen = said.partition("Should it be wrong: clearlift ")[2].split("\n")[0].split()
    assert "is not ingested yet. Next: `clearlift run --no-sample`" in migrated.refused(*reopen)
    intake.ingest(migrated)
    (wrong,) = columns(migrated.good("quarantine", "list"))
    assert wrong[2] == "unknown_org_tag"

    said = migrated.good(*reopen)
    assert said.startswith("1 line open again\nNext: clearlift quarantine list --batch ")
    (shown,) = columns(migrated.good(*said.rpartition("Next: clearlift ")[2].split()))
    assert shown[:3] == [key, "0", "unreadable_batch"]
    assert len(columns(migrated.good("quarantine", "list"))) == 1, "lines of the wrong copy are closed"
    (migrated.folder / "true").write_bytes(line(1))
    migrated.good("quarantine", "replay", "--batch", key, "--corrected", "true")
    intake.ingest(migrated)
    assert intake.totals(migrated)["stored"] == 1
    assert migrated.good("quarantine", "list") == "Nothing is refused.\n"
    assert "'nosuch' names no replayed lines" in migrated.refused("quarantine", "reopen", "nosuch")
    assert migrated.clearlift("quarantine", "reopen", "").code == 2


def test_an_interrupted_replay_is_finished_by_the_same_command(migrated: Terminal) -> None:
    key = land(migrated, "batch.ndjson", line(1, org_tag="newcom"))
    rename(migrated, "newcom")
    store = type(migrated.stores.object_store)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with migrated.monkeypatch.context() as patch:
        patch.setattr(store, "put_if_absent", interrupted)
        assert migrated.clearlift("quarantine", "replay", "--batch", key).code == 130
    said = migrated.good("quarantine", "replay", "--batch", key)
    assert said.startswith(f"A replay that was interrupted is finished: it landed as {PREFIX}")
    assert FOLDER in said
    intake.ingest(migrated)
    assert intake.totals(migrated)["stored"] == 1
    assert migrated.good("quarantine", "list") == "Nothing is refused.\n"


def test_a_corrected_line_ends_at_its_line_feed_alone(migrated: Terminal) -> None:
    """A carriage return between two tokens is white space of JSON."""
    land(migrated, "batch.ndjson", line(2, viewport_width="wide"))
    (migrated.folder / "corrected.ndjson").write_bytes(line(2).replace(b",", b",\r", 1) + b"\r\n")
    said = migrated.good("quarantine", "replay", "--all", "--corrected", "corrected.ndjson")
    assert "1 line landed again" in said
    intake.ingest(migrated)
    assert (intake.totals(migrated)["stored"], intake.totals(migrated)["quarantined"]) == (1, 1)


def test_an_empty_batch_is_no_batch(migrated: Terminal) -> None:
    said = migrated.clearlift("quarantine", "export", "", "out.ndjson")
    assert (said.code, "the batch is empty" in said.err) == (2, True)
    assert migrated.clearlift("quarantine", "list", "--batch", "").code == 2


def test_the_old_name_of_the_option_still_works(migrated: Terminal) -> None:
    land(migrated, "one.ndjson", b"bad")
    (migrated.folder / "corrected.ndjson").write_bytes(line(1))
    migrated.good("quarantine", "replay", "--all", "--mended", "corrected.ndjson")
    assert "--mended" not in migrated.good("quarantine", "replay", "--help")
    intake.ingest(migrated)
    assert intake.totals(migrated)["stored"] == 1


def test_lines_of_every_kind_are_listed_exported_and_replayed(
    migrated: Terminal, capsys: pytest.CaptureFixture[str]
) -> None:
    stores = migrated.stores
    migrated.good("job", "partitions")
    points = f"{point_landing.zone(SESH).hour_prefix(utc_now())}flush.ndjson"
    stores.object_store.put(points, b"broken")
    access = f"{access_log.zone('sesh').hour_prefix(utc_now())}log.ndjson"
    read = {"key": "k", "hour": (utc_now() - timedelta(hours=1)).isoformat(), "reads": 2, "hits": 3}
    stores.object_store.put(access, json.dumps(read).encode())
    PointIngest.of(stores, SESH).run()
    Demand(stores.object_store, stores.postgres, stores.clock).run(SESH, [])

    by_reason = [row.split() for row in migrated.good("quarantine", "list").splitlines()]
    assert by_reason[0][:3] == ["app", "kind", "lines"]
    assert [row[:4] for row in by_reason[1:]] == [["sesh", "points", "1", "1"], ["sesh", "access", "1", "1"]]
    with terminal() as opened:
        print_summary(opened)
    titles = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Quarantine of ")]
    assert titles == ["Quarantine of Sesh: points", "Quarantine of Sesh: access"]
    assert "more hits than reads" in migrated.good("quarantine", "list", "--kind", "access")
    assert migrated.good("quarantine", "list", "--app", "clearlift") == "Nothing is refused.\n"
    ended = migrated.clearlift("quarantine", "replay", "--all")
    assert (ended.code, "--app sesh --kind points; or --app sesh --kind access" in ended.err) == (2, True)

    migrated.good("quarantine", "export", points, "bad.ndjson")
    assert (migrated.folder / "bad.ndjson").read_bytes() == b"broken\n"
    (migrated.folder / "good.ndjson").write_text(json.dumps({**read, "hits": 1}))
    replayed = migrated.good("quarantine", "replay", "--all", "--kind", "access", "--corrected", "good.ndjson")
    assert "1 line landed again as access/sesh/" in replayed
    assert "the cause of 1 line is still there" in migrated.refused("quarantine", "replay", "--reason", "not_json")
    flush = {"userId": "nobody", "sessionId": "s", "seq": 1, "at": utc_now().isoformat(), "values": {"draws": 1}}
    (migrated.folder / "flush.ndjson").write_text(json.dumps(flush))
    replayed = migrated.good("quarantine", "replay", "--reason", "not_json", "--corrected", "flush.ndjson")
    assert "1 line landed again as sesh/points/" in replayed
    assert migrated.good("quarantine", "list") == "Nothing is refused.\n"
    assert Demand(stores.object_store, stores.postgres, stores.clock).run(SESH, []).reads == 2
    assert PointIngest.of(stores, SESH).run().quarantined == 1
    assert FOLDER in migrated.good("quarantine", "list")


def test_names_that_match_nothing_are_refused(migrated: Terminal) -> None:
    assert "no refused lines of batch 'nosuch'" in migrated.refused("quarantine", "export", "nosuch", "out")
    assert not (migrated.folder / "out").exists()
    for option in ("reason", "batch", "field"):
        for command in ("list", "replay"):
            said = migrated.refused("quarantine", command, f"--{option}", "nosuch")
            assert f"no refused lines of {option} 'nosuch'" in said


def test_a_replay_wants_to_know_which_lines(terminal: Terminal) -> None:
    said = terminal.clearlift("quarantine", "replay")
    assert said.code == 2
    assert "--reason, --field, --batch or --all" in said.err


def test_what_a_person_has_corrected_is_not_overwritten(migrated: Terminal) -> None:
    (migrated.folder / "bad.ndjson").write_bytes(line(1, timestamp="never"))
    migrated.good("land", "bad.ndjson")
    intake.ingest(migrated)
    batch = migrated.good("quarantine", "list").splitlines()[1].split()[0]
    corrected = migrated.folder / "lines.ndjson"
    corrected.write_bytes(b"corrected")
    said = migrated.refused("quarantine", "export", batch, "lines.ndjson")
    assert "lines.ndjson is there already. Next: name another file, or remove it" in said
    assert corrected.read_bytes() == b"corrected"

"""The runbooks on damaged archives and on a damaged lake, pasted as they stand, over stores in that state."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl

from assets.apps.clearlift import APP as CLEARLIFT
from assets.events import landing
from tests.assets.damage import local
from tests.assets.event_pipeline import line
from tests.clearlift_pipelines.cli.intake import ingest
from tests.clearlift_pipelines.cli.terminal import Said, Terminal
from tests.pages import blocks, pasted_well, typed
from tests.tables import EVENTS

RESTATED = """
insert into ads.restatements
    (app, org_id, platform, account_id, campaign_id, date, seen_at, sync_run_id, currency)
select 'clearlift', org, 'google', '1', n::text, '2023-02-01', '2023-02-02', gen_random_uuid(), 'USD'
from unnest(array['live', 'copied', 'lost', 'whole']) org, generate_series(1, 3) n
"""


def test_a_damaged_archive(terminal: Terminal) -> None:
    stores = terminal.stores
    stores.migrate()
    store, postgres = stores.object_store, stores.postgres
    postgres.execute(RESTATED)
    terminal.good("archive", "run", "clearlift", "ads.restatements", "2023Q1")
    parts = {info.key.split("/")[4]: info.key for info in store.list("archive") if "/part-" in info.key}
    manifests = {info.key.split("/")[4]: info.key for info in store.list("archive") if "/manifest-" in info.key}
    (terminal.folder / "backup").mkdir()
    shutil.copy(store.uri(parts["copied"]), terminal.folder / "backup")
    for key in (parts["live"], parts["copied"], manifests["whole"]):
        store.delete(key)
    store.put(parts["lost"], store.get(parts["lost"])[:-5])
    postgres.execute("delete from ads.restatements where org_id in ('copied', 'whole')")
    postgres.execute("delete from ads.restatements where org_id = 'lost' and campaign_id = '1'")

    steps = typed(terminal, *blocks("runbooks/damaged-archive.md"))

    assert [said.code for said in steps] == [1, 1, 1, 1, 0, 0, 0, 0], steps
    verify, dry, first, second, accepted, again, last, plan = steps
    assert verify.out.count("damaged archive/") == 4
    assert (dry.out.count("would repair"), dry.out.count("cannot repair")) == (2, 2)
    assert (first.out.count("\nrepaired"), first.out.count("not repaired")) == (2, 2)
    assert f"repaired {parts['copied']}: missing; from the copy backup/" in second.out
    assert f"left out {parts['lost']}: " in accepted.out
    assert "1 bucket sealed, 1 without new rows, 2 not looked at: 2 rows in 1 part," in again.out
    assert "4 buckets, 4 parts, 11 rows read" in last.out
    assert "damaged" not in plan.out


def landed(terminal: Terminal, name: str, *lines: bytes) -> None:
    zone = landing.zone(CLEARLIFT)
    terminal.stores.object_store.put(f"{zone.prefix}2025/10/14/12/{name}.ndjson", b"\n".join(lines))


def test_a_damaged_lake(migrated: Terminal) -> None:
    stores = migrated.stores
    landed(migrated, "first", *(line(n) for n in range(9)))
    ingest(migrated)
    table = stores.lake.table(EVENTS)
    migrated.good("backup", "run", "pipelines/lake")
    hurt = table.files()[1]
    local(hurt.path).unlink()
    landed(migrated, "second", line(1), line(10), line(11))
    ingest(migrated)
    steps: list[Said] = []
    for block in blocks("runbooks/damaged-lake.md"):
        if "clearlift run" in block.text:
            # A run of all takes half a minute. What the page needs of it is the ingest.
            first, _ = block.text.splitlines()
            steps += typed(migrated, block._replace(text=first))
            ingest(migrated)
        else:
            steps += typed(migrated, block)

    assert [said.code for said in steps] == [1, 1, 0, 0, 0, 0, 0, 0, 0, 0], steps
    everything, day, _, dry, done, with_deleted, give_up, replayed, after, closed = steps
    rebuild = "clearlift lake rebuild --day 2025-10-11 --org a3f7c2"
    assert everything.out.splitlines()[-2:] == ["3 files read with 7 rows", f"missing {hurt.path}"]
    assert f"Error: 1 file missing. Next: `{rebuild}`" in everything.err
    assert "0 files read with 0 rows" in day.out
    assert dry.out == f"Would make again 1 file with 3 rows, from the landing zone\nNext: {rebuild} --no-dry-run\n"
    next_step = "Next: clearlift quarantine replay --reason damaged_partition, then clearlift run --no-sample"
    assert done.out == f"Made again 1 file with 3 rows, from the landing zone\n{next_step}\n"
    assert with_deleted.out == give_up.out == "a3f7c2 2025-10-11: no file is damaged\n"
    assert "2 lines landed again" in replayed.out
    assert "2 files read with 4 rows" in after.out
    assert closed.out.count("damaged_partition") == 2
    assert table.scan().select("event_id").collect()["event_id"].sort().to_list() == sorted(
        f"event-{n}" for n in (*range(9), 10, 11)
    )


def test_a_lost_file_of_another_writer_comes_back_out_of_a_backup_or_is_given_up(migrated: Terminal) -> None:
    table = migrated.stores.lake.table(EVENTS)
    landed(migrated, "first", line(1))
    ingest(migrated)
    theirs = table.scan().collect().with_columns(event_id=pl.lit("theirs"))
    table.load().append(theirs.to_arrow().cast(EVENTS.arrow_schema()))
    migrated.good("backup", "run", "pipelines/lake")
    (lost,) = (info for info in table.files() if not table.wrote(info.file))
    content = local(lost.path).read_bytes()
    local(lost.path).unlink()
    copies, rebuild, choices = (
        next(block for block in blocks("runbooks/damaged-lake.md") if text in block.text)
        for text in ("backup restore", "--no-dry-run", "--give-up")
    )

    refused, _ = typed(migrated, rebuild)
    assert "cannot be made whole: landing zone: 0 rows found where 1 are missing" in refused.err
    assert "`clearlift backup restore pipelines/lake --into copies`" in refused.err
    with_deleted, planned = typed(migrated, choices)
    assert with_deleted.code == 1
    assert "with 0 rows" in planned.out
    assert "; 1 row given up" in planned.out
    assert planned.out.endswith("--give-up --no-dry-run\n")
    pasted_well(migrated, copies)
    (by_shell,) = (block.text for block in blocks("runbooks/damaged-lake.md") if block.language == "sh")
    here = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    subprocess.run(["bash", "-euc", by_shell], cwd=migrated.folder, env=here, check=True)
    assert local(lost.path).read_bytes() == content
    assert "missing" not in migrated.good("lake", "verify")


def test_a_whole_day_has_nothing_to_be_made_again_and_an_unknown_one_is_refused(migrated: Terminal) -> None:
    assert migrated.good("lake", "verify") == "0 files read with 0 rows\n"
    landed(migrated, "first", line(1))
    ingest(migrated)

    of_day = ("--day", "2025-10-11", "--org")
    said = migrated.good("lake", "rebuild", *of_day, "a3f7c2", "--no-dry-run")
    assert said == "a3f7c2 2025-10-11: no file is damaged\n"
    local(migrated.stores.lake.table(EVENTS).files()[0].path).unlink()
    # Nothing waits, so that a replay would be refused.
    said = migrated.good("lake", "rebuild", *of_day, "a3f7c2", "--no-dry-run")
    assert said.endswith("\nNext: clearlift run --no-sample\n")
    assert "nobody 2025-10-11 has no data file. Next:" in migrated.refused("lake", "rebuild", *of_day, "nobody")
    assert "no data file of that day and organisation is there" in migrated.refused("lake", "verify", *of_day, "nobody")


def test_what_cannot_be_made_whole_ends_in_one_line(migrated: Terminal) -> None:
    landed(migrated, "first", line(1))
    ingest(migrated)
    (hurt,) = migrated.stores.lake.table(EVENTS).files()
    local(hurt.path).unlink()
    migrated.stores.object_store.delete(f"{landing.zone(CLEARLIFT).prefix}2025/10/14/12/first.ndjson")

    said = migrated.refused("lake", "rebuild", "--day", "2025-10-11", "--org", "a3f7c2")

    assert "a3f7c2 2025-10-11 cannot be made whole: landing zone: 0 rows found where 1 are missing" in said
    assert f"Next: put copies of {'/'.join(local(hurt.path).parts[-5:])} back in their place" in said

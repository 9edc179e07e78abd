"""`clearlift compact`: what is merged, what is left, and why."""

from datetime import UTC, datetime
from pathlib import Path

from resources.lake import PartitionKey
from tests.assets.rollups.event_lake import event, frame
from tests.clearlift_pipelines.cli.terminal import Terminal
from tests.resources.lake.foreign import drop_column
from tests.tables import EVENTS

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_a_column_that_another_engine_dropped_is_said_and_comes_back(terminal: Terminal) -> None:
    terminal.stores.migrate()
    drop_column(terminal.stores.lake.table(EVENTS), "utm_content")

    for command in (("compact", "--dry-run"), ("compact",), ("lake", "verify")):
        said = terminal.refused(*command)
        assert "lacks the columns utm_content. Next: `clearlift migrate up` brings them back" in said
    *_, last = terminal.good("migrate", "up").splitlines()
    assert last == "made: clearlift-lake: column utm_content of clearlift.events"
    assert terminal.good("migrate", "up").splitlines()[-1] == "clearlift-lake: nothing to apply"
    assert terminal.good("compact", "--dry-run") == "Nothing is worth merging.\n"


def test_files_that_are_damaged_or_missing_are_all_named_and_the_others_merged(terminal: Terminal) -> None:
    terminal.stores.migrate()
    table = terminal.stores.lake.table(EVENTS)
    orgs = [f"org{n:02}" for n in range(12)]
    paths: dict[str, Path] = {}
    for org in orgs:
        rows = [frame([event(org_tag=org, timestamp=AT)]) for _ in range(4)]
        files = table.write((PartitionKey(org, AT.date()), part) for part in rows)
        table.append(files, org)
        paths[org] = Path(files[0].file_path.removeprefix("file://"))
    paths["org00"].unlink()
    for org in orgs[1:10]:
        paths[org].write_bytes(paths[org].read_bytes()[:-20])

    said = terminal.clearlift("compact")

    assert said.code == 1
    assert said.err.startswith("Error: 10 groups have files that are damaged or missing. Next: ")
    assert said.err.count("`clearlift lake rebuild --day 2026-03-02 --org org0") == 10
    assert "8 files became 2: 8 rows" in said.out
    assert [line for line in said.out.splitlines() if line.startswith("left as it is: ")] == [
        f"left as it is: {org} 2026-03-02: damaged or missing: {'/'.join(paths[org].parts[-5:])}" for org in orgs[:10]
    ]
    again = terminal.clearlift("compact")
    assert (again.code, "became" in again.out, again.out.count("left as it is: ")) == (1, False, 10)

"""`clearlift archive` and `clearlift policy` as a person uses them."""

import json
from datetime import UTC, datetime

from assets.apps import APPS
from assets.apps.clearlift import APP as CLEARLIFT
from assets.archive.policy import rows
from clearlift_pipelines.cli.policy import POLICY
from clearlift_pipelines.cli.tables import JSON_ONLY
from resources.lake import PartitionKey
from tests.assets.rollups.event_lake import event, frame
from tests.clearlift_pipelines.cli import intake
from tests.clearlift_pipelines.cli.terminal import Terminal
from tests.tables import EVENTS


def test_a_quarter_is_archived_listed_verified_and_restored(terminal: Terminal) -> None:
    terminal.stores.migrate()
    table = terminal.stores.lake.table(EVENTS)
    at = datetime(2025, 11, 3, 12, tzinfo=UTC)
    for org in ("a3f7c2", "b8e9d1"):
        events = frame([event(org_tag=org, timestamp=at) for _ in range(3)])
        table.append(table.write([(PartitionKey(org, at.date()), events)]), org)
    assert "Nothing is archived." in terminal.good("archive", "list")

    (terminal.folder / "late.ndjson").write_bytes(b"{}\n")
    terminal.good("land", "late.ndjson")
    assert "2 buckets sealed, 0 without new rows, 0 not looked at: 6 rows in 2 parts" in terminal.good(
        "archive", "run", "clearlift", "events", "2025Q4"
    )
    run = ("archive", "run", "clearlift", "events", "2025Q4")
    assert "Landed and not ingested, so not archived: 1 batch. Next: `clearlift run --no-sample`" in terminal.good(*run)
    intake.ingest(terminal)
    assert "not ingested" not in terminal.good(*run)
    listed = terminal.good("archive", "list", "clearlift", "events")
    assert listed.count("sealed") == 3  # the heading too
    assert "2 buckets, 2 parts, 6 rows read" in terminal.good("archive", "verify", "clearlift", "events", "2025Q4")
    restore = ("archive", "restore", "clearlift", "events", "2025Q4", "--org", "b8e9d1")
    assert "3 rows added to clearlift.events_restored: 3 archived, 0 of" in terminal.good(*restore)
    assert "0 rows added to clearlift.events: 3 archived" in terminal.good(*restore, "--into", "live")

    (part,) = [i.key for i in terminal.stores.object_store.list("archive") if "a3f7c2/part-" in i.key]
    terminal.stores.object_store.delete(part)
    said = terminal.clearlift("archive", "verify", "clearlift", "events", "2025Q4")
    assert said.code == 1
    assert f"damaged {part}: missing" in said.out.replace("\n", "")
    assert "the archive is damaged. Next: `clearlift archive repair clearlift events 2025Q4`" in said.err
    # Nothing changed in the lake: the run looks at nothing, and says so.
    again = terminal.good(*run)
    assert "0 buckets sealed, 0 without new rows, 2 not looked at: 0 rows in 0 parts" in again
    assert "`clearlift archive verify clearlift events 2025Q4` reads all of them" in again
    assert "missing; from 3 live rows" in terminal.good("archive", "repair", "clearlift", "events", "2025Q4")
    assert "nothing is damaged" in terminal.good("archive", "repair", "clearlift", "events", "2025Q4", "2025Q4")
    assert "2 buckets, 2 parts, 6 rows read" in terminal.good("archive", "verify", "clearlift", "events", "2025Q4")


def test_a_refusal_is_one_sentence_with_the_next_command_and_no_trace(terminal: Terminal) -> None:
    terminal.stores.migrate()
    terminal.stores.postgres.execute(
        "insert into ads.restatements"
        " (app, org_id, platform, account_id, campaign_id, date, seen_at, sync_run_id, currency)"
        " values ('clearlift', 'o', 'google', '1', '1', '2023-02-01', '2023-02-02', gen_random_uuid(), 'USD')"
    )
    of = ("clearlift", "ads.restatements", "2023Q1")
    listing = "2023Q1 of clearlift ads.restatements: no such sealed archive. Next: `clearlift archive list clearlift ad"
    for action in ("verify", "repair", "restore"):
        assert listing in refusal(terminal, "archive", action, *of)
    terminal.good("archive", "run", *of)
    (part,) = [info.key for info in terminal.stores.object_store.list("archive") if "/part-" in info.key]
    terminal.stores.object_store.delete(part)
    terminal.stores.postgres.execute("update ads.restatements set currency = 'EUR'")
    said = f"Error: {part}: missing. Next: `clearlift archive repair clearlift ads.restatements 2023Q1`"
    assert refusal(terminal, "archive", "run", *of) == said
    assert refusal(terminal, "archive", "restore", *of) == said
    for flags in ((), ("--dry-run",), ("--from", ".")):
        line = refusal(terminal, "archive", "repair", *of, *flags)
        assert "`clearlift archive repair clearlift ads.restatements 2023Q1 --from FILE` with a copy of each" in line
        assert "`clearlift archive repair clearlift ads.restatements 2023Q1 --accept-loss` goes on" in line
    assert "nowhere: there is no such file or folder" in refusal(
        terminal, "archive", "repair", *of, "--from", "nowhere"
    )
    assert "R2 is embedded here" in refusal(terminal, "archive", "repair", *of, "--from", "s3://copies/x")
    late = refusal(terminal, "archive", "run", "clearlift", "ads.restatements", "2999Q4")
    assert "is archived once its last row is 365 days old. Next: from 3001-01-01 on, `clearlift archive run cle" in late


def refusal(terminal: Terminal, *arguments: str) -> str:
    """The one line of a command that is refused; nothing else is on standard error."""
    said = terminal.clearlift(*arguments)
    assert said.code == 1, said
    (line,) = said.err.splitlines()
    return line


def test_what_cannot_be_is_one_line(terminal: Terminal) -> None:
    said = terminal.refused("archive", "run", "clearlift", "sessions", "2025Q4")
    assert "sessions is not archived: a signed-in session says nothing once it is over" in said
    assert "Next: name one of events, ads.restatements" in terminal.refused(
        "archive", "run", "clearlift", "nothing", "2025Q4"
    )
    partly = ("archive", "restore", "sesh", "sessions", "2025Q4", "--org", "user-1", "--into", "live")
    whole = "`clearlift archive restore sesh sessions 2025Q4 --into live`"
    said = refusal(terminal, *partly)
    assert f"of these rows of sessions alone. Next: restore aside, or all of them: {whole}" in said
    wrong = terminal.clearlift("archive", "run", "clearlift", "events", "2025")
    assert (wrong.code, "'2025' is no quarter; one looks like 2026Q1" in wrong.err) == (2, True)


def test_the_policy_is_printed_whole(terminal: Terminal) -> None:
    entries = json.loads(terminal.good("policy", "--json"))["policy"]
    assert len(entries) == sum(len(app.lifecycles) for app in APPS)
    terminal.monkeypatch.setenv("COLUMNS", "80")
    printed = terminal.good("policy", "--app", "clearlift")
    # Into a file or a pager every line goes whole, however narrow the terminal is.
    shown = [head for head in POLICY.heads.values() if isinstance(head, str)]
    assert len(shown) == len(POLICY.heads) - list(POLICY.heads.values()).count(JSON_ONLY)
    for row in rows(CLEARLIFT):
        assert any(all(row[cell] in line for cell in shown) for line in printed.splitlines()), row
    assert "change_log" not in printed


def test_a_policy_is_not_shown_over_wrong_settings(terminal: Terminal) -> None:
    terminal.monkeypatch.setenv("CLEARLIFT_LATE_DAYS", "none")
    assert "CLEARLIFT_LATE_DAYS" in terminal.refused("policy")

"""`clearlift audit`, and which commands note what they read or change of personal data."""

import ast
import inspect
import json
from collections.abc import Iterator
from pathlib import Path

import click

from assets.audit.entry import Entry
from assets.audit.note import note
from clearlift_pipelines.cli.entry import cli
from tests.assets.event_pipeline import line
from tests.clearlift_pipelines.cli.intake import ingest
from tests.clearlift_pipelines.cli.terminal import Terminal

NOTED = {
    *("archive restore", "backup restore", "lake rebuild", "retention run", "sql"),
    *("keys envelope", "keys retire", "keys rotate"),
    *("media quarantine export", "media quarantine list", "media quarantine replay"),
    *("quarantine export", "quarantine list", "quarantine replay", "cache show"),
    *("privacy cancel", "privacy erase", "privacy export"),
}
# Why the others need not: what they read of people is shown to nobody, and the runs that they start note themselves.
RUNS = {"run", "backfill ads", "backfill attribution", "backfill rollups", "ui", "job list"}
COUNTS = {
    *("status", "doctor", "cache status", "cache verify", "media status", "archive list", "archive verify"),
    *("backup list", "backup verify", "lake verify", "policy", "retention plan", "keys status"),
    *("audit show", "audit verify", "privacy status"),
}
COPIES_SEALED = {"backup run", "backup drill", "archive run", "archive repair", "keys new", "keys open"}
FORGETS_SEALED = {"backup forget"}
MAKES_AGAIN = {"cache rebuild", "compact", "upkeep", "quarantine reopen", "migrate", "land"}
NOTHING_PERSONAL = {"init", "completion", "stop", "sandbox", "purge", "disconnected", "page", "dbt sources"}


def leaves(command: click.Command, context: click.Context, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command by its words; of jobs only their list, because each is a run."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    for name in ["list"] if path == "job" else command.list_commands(context):
        inner = command.get_command(context, name)
        assert inner is not None
        inside = click.Context(inner, parent=context, info_name=name)
        yield from leaves(inner, inside, f"{path} {name}".strip())


def calls(command: click.Command) -> set[str]:
    """The names of all functions that the command's module calls within functions that it reaches by their names."""
    assert command.callback is not None
    callback = inspect.unwrap(command.callback)
    tree = ast.parse(Path(inspect.getfile(callback)).read_text())
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    found: set[str] = set()
    waiting = [callback.__name__]
    while waiting:
        function = functions.pop(waiting.pop(), None)
        if function is not None:
            named = {
                node.func.id
                for node in ast.walk(function)
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            }
            found |= named
            waiting += named
    return found


def test_every_command_that_shows_or_changes_personal_data_notes_it() -> None:
    commands = dict(leaves(cli, click.Context(cli)))
    others = RUNS | COUNTS | COPIES_SEALED | FORGETS_SEALED | MAKES_AGAIN | NOTHING_PERSONAL
    assert NOTED | others == commands.keys(), "say of a new command whether it notes, and why not"
    assert not NOTED & others
    noting = {path for path, command in commands.items() if {"noted", "note_lines"} & calls(command)}
    assert noting == NOTED


def entry(number: int) -> Entry:
    return Entry(
        "clearlift", f"clearlift work {number}", "read", "d1", "users", ("email", "name"), number, actor="me@x"
    )


def test_the_trail_is_shown_and_verified(migrated: Terminal) -> None:
    note(migrated.stores, *map(entry, range(3)), Entry("sesh", "job", "changed", "d1", "users", subject="ab" * 32))
    assert "no head of the trail lies in R2" in migrated.refused("audit", "verify")
    migrated.good("job", "trail")
    assert migrated.good("audit", "verify") == "4 entries read, 1 head compared\n"
    assert json.loads(migrated.good("audit", "verify", "--json")) == {"entries": 4, "heads": 1, "last": 4, "faults": []}

    shown = json.loads(migrated.good("audit", "show", "--json", "--app", "clearlift", "--work", "clearlift work"))[
        "entries"
    ]
    assert [(row["entry"], row["work"], row["rows"]) for row in shown] == [
        (number + 1, f"clearlift work {number}", number) for number in range(3)
    ]
    assert shown[0]["columns"] == ["email", "name"]
    assert "me@x" in migrated.good("audit", "show", "--last", "10")
    of_one = json.loads(migrated.good("audit", "show", "--json", "--subject", "AB" * 32))["entries"]
    assert [row["app"] for row in of_one] == ["sesh"]
    assert "Nothing was noted" in migrated.good("audit", "show", "--from", "2020-01-01", "--to", "2020-01-02")
    wrong = migrated.clearlift("audit", "show", "--subject", "somebody")
    assert wrong.code == 2
    assert "is no hash" in wrong.err


def test_a_changed_entry_is_named_and_the_command_fails(migrated: Terminal) -> None:
    note(migrated.stores, *map(entry, range(3)))
    migrated.good("job", "trail")
    migrated.stores.postgres.execute(
        "alter table audit.entries disable trigger append_only; update audit.entries set rows = 7 where seq = 2;"
        " alter table audit.entries enable trigger append_only"
    )
    said = migrated.clearlift("audit", "verify")
    assert said.code == 1
    assert "wrong: entry 2 does not follow from the one before it" in said.out
    assert "docs/privacy.md" in said.err
    said = migrated.clearlift("audit", "verify", "--json")
    assert (said.code, len(json.loads(said.out)["faults"])) == (1, 1)
    assert "trail_is_whole" in migrated.refused("job", "trail")


def test_commands_note_under_their_own_names_and_show_no_value(migrated: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    file.write_bytes(b"\n".join(line(org_tag="nobody", anonymous_id="person-1") for _ in range(2)))
    migrated.good("land", str(file))
    ingest(migrated)
    migrated.good("quarantine", "list", "--reason", "unknown_org_tag")
    (batch,) = migrated.stores.postgres.fetch("select sha256 from ingest.batches")
    migrated.good("quarantine", "export", batch["sha256"], str(tmp_path / "lines"))
    text = migrated.good("audit", "show", "--json")
    rows = [(row["app"], row["work"], row["act"], row["place"], row["rows"]) for row in json.loads(text)["entries"]]
    assert rows == [
        ("clearlift", f"clearlift quarantine {command}", "read", "refused events", 2) for command in ("list", "export")
    ]
    assert "person-1" not in text

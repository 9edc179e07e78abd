"""What another engine made of the events table, and a further field of ours, as `doctor` and `migrate up` show them."""

import pytest
from pyiceberg.types import ListType, StringType

from assets.events import table
from assets.events.record import FIELDS, Field, FieldKind
from tests.clearlift_pipelines.cli.terminal import Terminal
from tests.resources.lake.foreign import add_column, drop_column, rename_column
from tests.tables import EVENTS


def lake_line(said: str) -> str:
    (row,) = [row for row in said.splitlines() if row[5:].startswith("clearlift-lake ")]
    return " ".join(row.split())


def test_a_further_field_of_the_record_is_added_by_migrate_up(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal.good("migrate", "up")
    further = Field("color_scheme", FieldKind.STRING, required=False, doc="light or dark")
    monkeypatch.setattr(table, "FIELDS", (*FIELDS, further))

    said = terminal.clearlift("doctor")
    assert said.code == 1
    lacking = (
        "bad clearlift-lake embedded clearlift.events lacks the columns color_scheme."
        " Next: `clearlift migrate up` adds them"
    )
    assert lake_line(said.out) == lacking
    assert "clearlift-lake: column color_scheme of clearlift.events" in terminal.good("migrate", "up")
    assert lake_line(terminal.good("doctor")).startswith("ok ")
    assert "color_scheme" not in terminal.good("migrate", "up")


def test_doctor_says_what_is_carried_and_what_is_refused(terminal: Terminal) -> None:
    terminal.good("migrate", "up")
    events = terminal.stores.lake.table(EVENTS)
    rename_column(events, "event_value", "amount")
    add_column(events, "theirs", StringType())
    said = lake_line(terminal.good("doctor"))
    assert said.endswith("others changed: event_value is amount there, theirs was added (string)")

    drop_column(events, "gclid")
    said = lake_line(terminal.clearlift("doctor").out)
    assert said.startswith("bad clearlift-lake embedded clearlift.events lacks the columns gclid.")
    terminal.good("migrate", "up")
    add_column(events, "tags", ListType(100, StringType(), element_required=False))
    bad = terminal.clearlift("doctor")
    assert bad.code == 1
    assert (
        "has columns of other engines that cannot be kept in a rewrite: tags (list<string>). Next: drop them" in bad.out
    )
    assert "cannot be kept in a rewrite" in terminal.refused("compact")

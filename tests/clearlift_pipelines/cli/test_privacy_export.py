"""`clearlift privacy export`: a person's data behind a URL; whom it is of stands in no argument."""

import io
import json
import zipfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from assets.apps.consignment import APP as CONSIGNMENT
from tests.clearlift_pipelines.cli.terminal import Terminal

NOW = "2026-05-01T12:00:00.000Z"


@pytest.fixture
def consignors(migrated: Terminal) -> Terminal:
    """Two people who bring things to a sale."""
    names = ["id", "user_id", "name", "email", "phone", "created_at", "updated_at"]
    rows = [[n, f"user-00{n}", f"Name {n}", f"n{n}@example.org", f"+4930{n}", NOW, NOW] for n in (1, 2)]
    migrated.stores.d1(CONSIGNMENT).upsert("consignors", names, rows, ["id"])
    return migrated


def asked(terminal: Terminal, typed: str, *options: str) -> str:
    terminal.monkeypatch.setattr("sys.stdin", io.StringIO(f"{typed}\n"))
    return terminal.good("privacy", "export", "--app", "consignment", *options)


@pytest.mark.parametrize("typed", ["user-001", "n1@example.org", "N1@EXAMPLE.org"])
def test_an_id_or_an_address_leads_to_the_person_s_data(consignors: Terminal, typed: str) -> None:
    said = asked(consignors, typed, "--hours", "2")
    file = Path(unquote(urlsplit(said.split()[-1]).path))
    assert "user-001" not in said
    with zipfile.ZipFile(file) as found:
        rows = json.loads(found.read("d1/consignors.json"))
        assert [row["name"] for row in rows] == ["Name 1"]
        assert b"Name 2" not in b"".join(found.read(name) for name in found.namelist())
    noted = consignors.stores.postgres.fetch("select app, work, act from audit.entries order by seq")[-1]
    assert noted == {"app": "consignment", "work": "clearlift privacy export", "act": "read"}


@pytest.mark.parametrize(
    ("typed", "reason"), [("user-00", "nobody of consignment"), ("%", "nobody of consignment"), ("a\u202eb", "no id")]
)
def test_who_is_nobody_has_no_export(consignors: Terminal, typed: str, reason: str) -> None:
    consignors.monkeypatch.setattr("sys.stdin", io.StringIO(f"{typed}\n"))
    said = consignors.clearlift("privacy", "export", "--app", "consignment")
    assert said.code == 1
    assert reason in said.err
    assert list(consignors.stores.object_store.list("exports")) == []


def test_a_url_works_for_a_week_at_most(consignors: Terminal) -> None:
    assert consignors.clearlift("privacy", "export", "--app", "consignment", "--hours", "169").code == 2

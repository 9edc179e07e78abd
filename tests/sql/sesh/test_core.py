"""Sesh's tables: migrations both ways, what they refuse, and what goes with a user."""

from pathlib import Path

import pytest

from resources import migrations
from resources.d1 import D1, D1Error, EmbeddedD1, Param
from tests.sql.sesh.database import KEYS, REQUIRED, put

NOW = "2026-03-20T21:00:00.000Z"


def test_migrations_go_up_down_and_up_again(tmp_path: Path) -> None:
    d1 = EmbeddedD1(tmp_path / "sesh.sqlite")
    ledger = migrations.D1AppliedMigrations(d1, "sesh-d1")
    made = "select type, name from sqlite_master where name not like 'sqlite_%' order by name"
    applied = migrations.up(ledger, "sesh/d1")
    whole = d1.query(made)
    assert {row["name"] for row in whole} > REQUIRED.keys() | {"change_log", "change_log_readers"}
    assert migrations.down(ledger, "sesh/d1", to=0) == applied[::-1]
    assert d1.query(made) == [{"type": "table", "name": "pipelines_migrations"}]
    assert migrations.up(ledger, "sesh/d1") == applied
    assert d1.query(made) == whole
    d1.close()


@pytest.mark.parametrize(
    ("table", "values"),
    [
        ("users", {"id": "u", "profile": "{"}),
        ("users", {"id": "u", "email": None}),
        ("users", {"id": None}),
        ("user_preferences", {"userId": "nobody"}),
        ("user_preferences", {"userId": "me", "preferences": "dark"}),
        ("user_preferences", {"userId": "me", "dashboardLayout": "{"}),
        ("strains", {"id": "s", "type": "ruderalis?"}),
        ("strains", {"id": "s", "thcPercent": 101}),
        ("strains", {"id": "s", "effects": "happy"}),
        ("strains", {"id": "s", "isActive": 2}),
        ("products", {"id": "p", "strainId": "none"}),
        ("dispensaries", {"id": "d", "latitude": 91}),
        ("inventory", {"id": "i", "userId": "me", "quantity": -1}),
        ("inventory", {"id": "i", "userId": "me", "purchasedAt": "2026-03-20 21:00"}),
        ("medical_symptoms", {"id": "m", "userId": "me", "severityBefore": 11}),
        ("medical_symptoms", {"id": "m", "userId": "me", "timestamp": "2026-03-20T21:00:00Z"}),
        ("journal_entries", {"id": "j", "userId": "nobody"}),
        ("journal_entries", {"id": "j", "userId": "me", "tags": "x"}),
    ],
)
def test_what_cannot_be_is_refused(sesh: D1, table: str, values: dict[str, Param]) -> None:
    put(sesh, "users", id="me")
    before = sesh.query("select count(*) as n from change_log")
    with pytest.raises(D1Error):
        put(sesh, table, "insert", **values)
    assert sesh.query("select count(*) as n from change_log") == before


def test_every_row_has_times_that_sort_as_they_pass(sesh: D1) -> None:
    put(sesh, "users", id="u1")
    for table, key in KEYS.items():
        if table == "users":
            continue
        owner = {"userId": "u1"} if table in ("inventory", "medical_symptoms", "journal_entries") else {}
        put(sesh, table, **{key: "u1", **owner})
    for table in KEYS:
        (row,) = sesh.query(f"select createdAt, updatedAt from {table}")
        assert row["createdAt"] == row["updatedAt"]
        assert len(row["createdAt"]) == len(NOW)
        assert (row["createdAt"][10], row["createdAt"][-1]) == ("T", "Z")


def test_what_is_a_users_own_goes_with_the_user_and_the_catalogue_stays(sesh: D1) -> None:
    for user in ("u1", "u2"):
        put(sesh, "users", id=user)
        put(sesh, "user_preferences", userId=user)
        for table in ("inventory", "medical_symptoms", "journal_entries"):
            put(sesh, table, id=f"{table}-{user}", userId=user)
    for table in ("strains", "products", "dispensaries"):
        put(sesh, table, id="x")
    sesh.execute("delete from users where id = 'u1'")
    counts = {table: sesh.query(f"select count(*) as n from {table}")[0]["n"] for table in KEYS}
    assert counts == dict.fromkeys(KEYS, 1)

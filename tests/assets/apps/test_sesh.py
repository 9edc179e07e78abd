"""What the data file of Sesh says is so: its tables, the fields of its keys and their statements."""

from pathlib import Path

import pytest

from assets.apps import CacheFamily
from assets.apps.sesh import APP as SESH
from assets.cache import keys
from resources.sql_files import list_sql, read_sql
from tests.sql.sesh.database import KEYS, REQUIRED, migrated


def test_its_tables_are_those_of_its_d1(tmp_path: Path) -> None:
    d1 = migrated(tmp_path / "sesh.sqlite")
    assert SESH.tables.keys() == REQUIRED.keys()
    for table in SESH.tables.values():
        columns = {row["name"] for row in d1.query(f"pragma table_info({table.name})")}
        assert {"createdAt", "updatedAt"} <= columns
    d1.close()


def test_cache_aside_keys_hang_on_what_the_log_keeps_of_their_table() -> None:
    log = read_sql("sesh/d1/002_change_log.up.sql")
    for aside in SESH.cache_aside:
        trigger = log.partition(f"create trigger {aside.table}_inserted ")[2].partition("end;")[0]
        for template in aside.keys:
            assert keys.fields(template)
            for field in keys.fields(template):
                assert f"'{field}', new.{field}" in trigger, template
    assert len({aside.table for aside in SESH.cache_aside}) == len(SESH.cache_aside)


@pytest.mark.parametrize("family", SESH.cache, ids=lambda family: family.name)
def test_a_family_yields_its_fields_in_the_order_of_its_keys(family: CacheFamily, tmp_path: Path) -> None:
    d1 = migrated(tmp_path / "sesh.sqlite")
    fields = keys.fields(family.key)
    for table in REQUIRED:
        owner = {"userId": "x"} if table in ("inventory", "medical_symptoms", "journal_entries") else {}
        layout = {"dashboardLayout": "{}"} if table == "user_preferences" else {}
        row = {**REQUIRED[table], **owner, **layout, KEYS[table]: "x"}
        d1.upsert(table, list(row), [list(row.values())], [KEYS[table]])
    rows = d1.query(read_sql(family.statement))
    assert rows
    assert {*fields, *family.gathered_by, "value"} | ({"tenant"} if "user" in family.key else set()) == rows[0].keys()
    order = ", ".join([*fields, *family.gathered_by])
    assert read_sql(family.statement).rstrip().endswith(f"order by {order}")
    for capability, name in family.reads:
        assert capability == "d1"
        assert name in SESH.tables
    d1.close()


def test_no_two_families_have_a_key_in_common_and_no_cache_aside_key_is_a_warmed_one() -> None:
    shapes = [keys.FIELD.sub("{}", template) for template in _templates()]
    assert len(set(shapes)) == len(shapes)
    assert len({family.name for family in SESH.cache}) == len(SESH.cache)


def test_every_statement_of_a_family_is_used() -> None:
    files = {f"sesh/cache/{name}" for name in list_sql("sesh/cache")}
    assert files == {family.statement for family in SESH.cache}


def _templates() -> list[str]:
    aside = {keys.FIELD.sub("{}", key): key for entry in SESH.cache_aside for key in entry.keys}
    return [*(family.key for family in SESH.cache), *aside.values()]

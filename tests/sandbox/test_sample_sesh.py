"""Sesh's sample fills every table. The same seed and time give the same rows, and a second run adds nothing."""

from datetime import UTC, datetime
from pathlib import Path

from assets.apps.sesh import APP as SESH
from sandbox import sample_sesh
from tests.sql.sesh.database import last_id, migrated

UNTIL = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


def test_it_fills_every_table_and_a_second_time_changes_nothing(tmp_path: Path) -> None:
    d1, other = migrated(tmp_path / "one.sqlite"), migrated(tmp_path / "other.sqlite")
    counts = sample_sesh.fill(d1, UNTIL)
    assert counts.keys() == SESH.tables.keys()
    for table, rows in counts.items():
        assert rows == d1.query(f"select count(*) as n from {table}")[0]["n"] > 0
        assert d1.query(f"select max(createdAt) as newest from {table}")[0]["newest"] < "2026-11-01T12:00:00.001Z"

    place = last_id(d1)
    d1.execute("update users set displayName = 'mine' where id = 'user-003'")
    assert sample_sesh.fill(d1, UNTIL) == counts
    assert last_id(d1) == place + 1
    assert d1.query("select displayName from users where id = 'user-003'") == [{"displayName": "mine"}]

    sample_sesh.fill(other, UNTIL)
    for table in set(counts) - {"users"}:
        query = f"select * from {table} order by 1"
        assert d1.query(query) == other.query(query)
    d1.close()
    other.close()

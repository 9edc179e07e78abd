"""The loader of sql/: it reads files, and names a missing one."""

import pytest

from resources.sql_files import list_sql, read_sql


def test_reads_and_lists() -> None:
    names = list_sql("clearlift/d1")
    assert names == sorted(names)
    assert "001_initial.up.sql" in names
    assert "create table users" in read_sql("clearlift/d1/001_initial.up.sql")


def test_what_is_missing_is_named() -> None:
    with pytest.raises(FileNotFoundError, match=r"sql/rollups/nothing\.sql: no such file"):
        read_sql("rollups/nothing.sql")
    with pytest.raises(FileNotFoundError, match="sql/no/such: no such folder"):
        list_sql("no/such")
    with pytest.raises(FileNotFoundError, match="sql/clearlift/d1: no such file"):
        read_sql("clearlift/d1")


@pytest.mark.parametrize("path", ["", "../pyproject.toml", "/etc/passwd", "clearlift//d1", "./clearlift"])
def test_paths_stay_below(path: str) -> None:
    with pytest.raises(ValueError, match="a path under sql/"):
        read_sql(path)

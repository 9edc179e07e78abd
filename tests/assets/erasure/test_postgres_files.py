"""Nothing of a deleted row stays in the files of a Postgres server of ours, or in the log that backups wait for."""

from pathlib import Path

from assets.erasure.postgres_files import PostgresFilesEraser
from resources.postgres import Postgres, embedded, wal

WORD = "anna-lena-17-that-nobody-else-is"


def files_with(folder: Path, word: str) -> list[str]:
    return [
        str(file.relative_to(folder))
        for file in folder.rglob("*")
        if file.is_file() and word.encode() in file.read_bytes()
    ]


def test_deleted_rows_leave_tables_indexes_statistics_and_the_log(tmp_path: Path) -> None:
    folder = tmp_path / "pg"
    with embedded.running(folder, {"fsync": "off"}) as dsn, Postgres(dsn) as postgres:
        wal.keep(dsn)
        postgres.execute("create table people (name text primary key, of integer)")
        for times in range(3):
            postgres.execute(
                "insert into people select %(word)s || '-' || n, n from generate_series(1, 500) n", {"word": WORD}
            )
            postgres.execute("insert into people select 'other ' || %(n)s, 1", {"n": times})
            postgres.execute("delete from people where name like %(word)s || '%%'", {"word": WORD})
        assert {Path(name).parent.name for name in files_with(folder, WORD)} >= {"pg_wal"}
        PostgresFilesEraser([postgres]).erase([])
        assert files_with(folder, WORD) == []
        assert [row["name"] for row in postgres.fetch("select name from people order by name")] == [
            "other 0", "other 1", "other 2"
        ]  # fmt: skip

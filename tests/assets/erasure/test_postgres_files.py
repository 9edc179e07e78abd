"""Nothing of a deleted row stays in the files of a Postgres server of ours, or in the log that backups wait for."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from assets.erasure import postgres_files
from assets.erasure.postgres_files import PostgresFilesEraser, StillReadError
from resources.postgres import Postgres, embedded, wal
from tests.assets.erasure.calls import Killed, dying_at

WORD = "anna-lena-17-that-nobody-else-is"


def files_with(folder: Path, word: str) -> list[str]:
    return [
        str(file.relative_to(folder))
        for file in folder.rglob("*")
        if file.is_file() and word.encode() in file.read_bytes()
    ]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Postgres]]:
    """A server of these tests' own, and a client of it."""
    folder = tmp_path_factory.mktemp("server") / "pg"
    with embedded.running(folder, {"fsync": "off"}) as dsn, Postgres(dsn) as postgres:
        wal.keep(dsn)
        postgres.execute("create table people (name text primary key, of integer)")
        yield folder, postgres


def lived(postgres: Postgres, word: str) -> None:
    """Rows with a word come and go, and one other stays each time."""
    for times in range(3):
        postgres.execute(
            "insert into people select %(word)s || '-' || n, n from generate_series(1, 500) n", {"word": word}
        )
        postgres.execute(
            "insert into people select %(word)s::text || 'other ' || %(n)s, 1", {"word": word[-5:], "n": times}
        )
        postgres.execute("delete from people where name like %(word)s || '%%'", {"word": word})


def test_deleted_rows_leave_tables_indexes_statistics_and_the_log(server: tuple[Path, Postgres]) -> None:
    folder, postgres = server
    lived(postgres, WORD)
    others = postgres.fetch("select * from people order by name")
    assert {Path(name).parent.name for name in files_with(folder, WORD)} >= {"pg_wal"}
    with postgres.lock("an erasure of a test"):
        PostgresFilesEraser([postgres]).erase([])
    assert files_with(folder, WORD) == []
    assert postgres.fetch("select * from people order by name") == others


def test_what_an_open_transaction_may_still_see_is_not_taken_for_erased(server: tuple[Path, Postgres]) -> None:
    folder, postgres = server
    postgres.execute("insert into people values (%s, 0)", (word := WORD[::-1],))
    with postgres.connection(one_moment=True) as reader:
        assert reader.execute("select 1 from people where name = %s", (word,)).fetchall()
        postgres.execute("delete from people where name = %s", (word,))
        with pytest.raises(StillReadError, match="1 transaction of before"):
            PostgresFilesEraser([postgres], longest_wait=timedelta(0)).erase([])
    PostgresFilesEraser([postgres]).erase([])
    assert files_with(folder, word) == []


def test_a_run_that_is_killed_before_the_log_is_renewed_is_done_again(server: tuple[Path, Postgres]) -> None:
    folder, postgres = server
    lived(postgres, word := f"{WORD}-killed")
    with pytest.raises(Killed), dying_at(postgres_files, "_renew_log", 1, "before"):
        PostgresFilesEraser([postgres]).erase([])
    assert {Path(name).parent.name for name in files_with(folder, word)} == {"pg_wal"}
    PostgresFilesEraser([postgres]).erase([])
    assert files_with(folder, word) == []

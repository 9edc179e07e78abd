"""Backups of Postgres: by rows and by files, beside pg_dump, pg_restore, pg_basebackup, while another process writes.

The database is that of Growth with a million events. Ours are compressed, sealed and put into a folder; what
they are beside is compressed at most. The wait is the longest that a writer of single rows had meanwhile.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from assets.apps.growth import APP as GROWTH
from assets.backups.manifest import Kind, Manifest
from assets.backups.method import Method, Scope
from assets.backups.parts import Draft
from assets.backups.postgres_logical import PostgresLogical
from assets.backups.postgres_physical import PostgresPhysical
from assets.backups.postgres_schemas import schema_of
from assets.backups.sets import seal
from assets.backups.target import StoreName, Target, new_id
from benchmarks import dataset, measure
from resources import migrations
from resources.keyring import Keyring
from resources.postgres import Postgres, embedded
from resources.postgres.databases import made
from resources.postgres.recovery import clear
from resources.r2 import FolderObjectStore

ROWS = 1_000_000
FOLDER = dataset.ROOT.absolute() / "backups_postgres" / "pg"
STORE = StoreName("growth", "postgres")
SETTINGS = {"max_wal_size": "4GB"}
BACKUPS = ("rows", "pg_dump", "files", "pg_basebackup")
RESTORES = ("rows_back", "pg_restore", "files_back")
EVENTS = """
alter table analytics.events disable trigger user;
insert into analytics.events (type, name, user_id, session_id, properties, country, user_agent, page, created_at)
select
    'page_view', 'view-' || n % 50, md5((n % 100003)::text)::uuid, 'session-' || n / 7,
    jsonb_build_object('n', n, 'path', '/p/' || n % 977, 'campaign', md5((n % 4999)::text)),
    (array['US', 'DE', 'BR'])[1 + n % 3], 'Mozilla/5.0 (X11; Linux x86_64) ' || n % 300, '/p/' || n % 977,
    timestamptz '2026-01-01' + n * interval '1 second'
from generate_series(1, {rows}) n;
alter table analytics.events enable trigger user;
create table public.written (id bigint generated always as identity primary key, at timestamptz default now());
"""
WRITER = """
import sys, time, psycopg
with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    print(flush=True)
    worst = 0.0
    while True:
        began = time.perf_counter()
        connection.execute("insert into public.written default values")
        if time.perf_counter() - began > worst:
            worst = time.perf_counter() - began
            print(worst, flush=True)
        time.sleep(0.002)
"""

Work = Callable[[], Mapping[str, Any]]


def main() -> None:
    """Print both tables."""
    try:
        _tables()
    finally:
        embedded.stop(FOLDER)


def _tables() -> None:
    for title, contenders in (("backup", BACKUPS), ("restore", RESTORES)):
        contest = measure.contest("benchmarks.backups_postgres", contenders, runs=1)
        shown = [
            [
                name.replace("_", " "),
                f"{measured.seconds:.1f}",
                f"{measured.details['from_mb'] / measured.seconds:,.0f}",
                f"{measured.details['mb']:,.0f}",
                f"{measured.details['wait'] * 1000:,.0f}" if "wait" in measured.details else "",
                f"{measured.peak_mb:,.0f}",
            ]
            for name, measured in contest.items()
        ]
        measure.table(
            f"Postgres: {title} of {ROWS:,} events",
            [title, "seconds", "MB/s of the database", "MB stored", "longest wait of a writer, ms", "peak MB"],
            shown,
        )


def rows() -> Work:
    return _ours(lambda postgres, _: PostgresLogical(STORE, postgres, schema_of(GROWTH), Postgres))


def files() -> Work:
    return _ours(lambda postgres, folder: PostgresPhysical(STORE, postgres, folder, schema_of(GROWTH)))


def pg_dump() -> Work:
    return _peer("pg_dump", "--format=custom", "--file=dump")


def pg_basebackup() -> Work:
    return _peer("pg_basebackup", "--pgdata=base", "--wal-method=fetch", "--checkpoint=fast")


def rows_back() -> Work:
    postgres, _ = _server()
    method = PostgresLogical(STORE, postgres, schema_of(GROWTH), Postgres)
    target = _target()
    manifest = _backup(method, target)
    back = Postgres(_empty(postgres))

    def work() -> Mapping[str, Any]:
        restored = method.restore(target, (manifest,), back, Scope())
        # The table of the writer is of no migration.
        assert [text for text in method.differences(back, restored) if "public.written" not in text] == []
        return {"from_mb": _size(postgres), "mb": manifest.size / 1e6}

    return work


def files_back() -> Work:
    postgres, folder = _server()
    method = PostgresPhysical(STORE, postgres, folder, schema_of(GROWTH))
    target = _target()
    manifest = _backup(method, target)

    def work() -> Mapping[str, Any]:
        place = FOLDER.with_name("back")
        clear(place)
        restored = method.restore(target, (manifest,), place, Scope())
        assert list(method.differences(place, restored)) == []
        clear(place)
        return {"from_mb": _size(postgres), "mb": manifest.size / 1e6}

    return work


def pg_restore() -> Work:
    postgres, _ = _server()
    folder = _new_folder()
    _program("pg_dump", postgres, "--format=custom", f"--file={folder / 'dump'}")
    dsn = _empty(postgres)

    def work() -> Mapping[str, Any]:
        command = [str(embedded.binaries() / "pg_restore"), f"--dbname={dsn}", str(folder / "dump")]
        subprocess.run(command, check=True)
        return {"from_mb": _size(postgres), "mb": (folder / "dump").stat().st_size / 1e6}

    return work


def _ours(method_of: Callable[[Postgres, Path], Method[Any]]) -> Work:
    postgres, folder = _server()
    method, target = method_of(postgres, folder), _target()

    def work() -> Mapping[str, Any]:
        with _writing(postgres) as worst:
            manifest = _backup(method, target)
        return {"from_mb": _size(postgres), "mb": manifest.size / 1e6, "wait": worst[0]}

    return work


def _peer(program: str, *arguments: str) -> Work:
    postgres, _ = _server()
    folder = _new_folder()
    placed = [
        argument.replace("=dump", f"={folder}/dump").replace("=base", f"={folder}/base") for argument in arguments
    ]

    def work() -> Mapping[str, Any]:
        with _writing(postgres) as worst:
            _program(program, postgres, *placed)
        stored = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        return {"from_mb": _size(postgres), "mb": stored / 1e6, "wait": worst[0]}

    return work


def _program(name: str, postgres: Postgres, *arguments: str) -> None:
    subprocess.run([str(embedded.binaries() / name), f"--dbname={postgres.dsn}", *arguments], check=True)


def _backup(method: Method[Any], target: Target) -> Manifest:
    draft = Draft(target, STORE, new_id(datetime.now(UTC), Kind.FULL))
    return seal(draft, method.full(draft), "benchmark")


def _server() -> tuple[Postgres, Path]:
    """The server with its rows and nothing else, which is kept for the next contender."""
    postgres = Postgres(embedded.start(FOLDER, SETTINGS), statement_timeout=3600)
    if not postgres.fetch("select to_regclass('public.written') is not null as filled")[0]["filled"]:
        assert GROWTH.postgres_migrations is not None
        migrations.up(migrations.PostgresAppliedMigrations(postgres), GROWTH.postgres_migrations)
        postgres.execute(EVENTS.format(rows=ROWS))
    with psycopg.connect(postgres.dsn, autocommit=True) as connection:
        connection.execute("drop database if exists back with (force)")
    return postgres, FOLDER


def _size(postgres: Postgres) -> float:
    return float(postgres.fetch("select pg_database_size(current_database()) / 1e6 as mb")[0]["mb"])


def _empty(postgres: Postgres) -> str:
    """A new database beside it."""
    return made(postgres.dsn, "back")


def _target() -> Target:
    return Target(FolderObjectStore(_new_folder()), "backups", Keyring({1: b"k" * 32}))


def _new_folder() -> Path:
    folder = FOLDER.with_name("target")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


@contextmanager
def _writing(postgres: Postgres) -> Iterator[list[float]]:
    """Another process writes rows; the longest wait is in the list after the block."""
    worst: list[float] = []
    process = subprocess.Popen([sys.executable, "-c", WRITER, postgres.dsn], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    process.stdout.readline()
    try:
        yield worst
    finally:
        process.terminate()
        worst.append(float(process.stdout.read().split()[-1]))
        process.wait()

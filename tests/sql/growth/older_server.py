"""An older PostgreSQL of the machine, as a package of the system brings it. No fixtures here."""

import os
import pwd
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
ACCOUNT = "nobody"


def _run(folder: Path, *command: str) -> None:
    """Run a program of the server, as another account where we are root: it refuses root."""
    account = pwd.getpwnam(ACCOUNT)
    other = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    subprocess.run(  # type: ignore[call-overload]
        [str(PROGRAMS / command[0]), *command[1:]],
        cwd=folder,
        env={"PATH": "/usr/bin", "LC_ALL": "C.UTF-8"},
        check=True,
        stdout=subprocess.DEVNULL,
        **other,
    )


@contextmanager
def older(folder: Path) -> Iterator[str]:
    """A server that was made in an empty folder, by the DSN of its superuser; it ends with the block."""
    folder.mkdir(mode=0o700)
    if os.geteuid() == 0:
        account = pwd.getpwnam(ACCOUNT)
        os.chown(folder, account.pw_uid, account.pw_gid)
    data = folder / "data"
    _run(folder, "initdb", f"--pgdata={data}", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync")
    options = f"-c listen_addresses= -c fsync=off -k {folder}"
    _run(folder, "pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgresql://postgres@/postgres?host={folder}"
    finally:
        _run(folder, "pg_ctl", "-D", str(data), "-w", "-m", "immediate", "stop")

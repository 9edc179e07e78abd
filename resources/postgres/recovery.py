"""Base backups of the embedded server, and recovery of its folder to any moment that its log holds.

What belongs here: the two ends of a physical backup. What does not: the log between them (wal.py), where both are kept
(assets), a server that is not ours: only the owner of a server's files has them.

No incremental base backups: servers before 18.7 bring deleted rows back from them.
"""

import io
import shutil
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from resources import private
from resources.locked_file import locked
from resources.postgres import embedded
from resources.postgres.watchdog import watched

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CHUNK_BYTES = 1024 * 1024
ARCHIVE = "wal_restore"
# Of the server that was copied, not of its data.
LEFT_OUT = frozenset({"postmaster.pid", "postmaster.opts", "log", embedded.SOCKET_NAME, f"{embedded.SOCKET_NAME}.lock"})
RECOVERY_SECONDS = 24 * 3600.0


def base_backup(folder: Path) -> Iterator[bytes]:
    """The data of the running server of `folder` as one tar, in chunks. To open it needs the log that was written
    meanwhile.

    Raises:
        EmbeddedPostgresError: it failed, also after the last chunk; then nothing of it counts.
    """
    # The bytes are sealed and counted where they go, so the server makes no checksums of its own.
    arguments = ["--pgdata=-", "--format=tar", "--wal-method=none", "--checkpoint=fast", "--no-manifest"]
    with embedded.output_of(folder, "pg_basebackup", arguments) as output:
        while chunk := output.read(CHUNK_BYTES):
            yield chunk


@contextmanager
def recovered(
    folder: Path, base: Iterable[bytes], segments: Iterable[tuple[str, Iterable[bytes]]], at: datetime | None
) -> Iterator[str]:
    """The server as it was at a moment (None: at the end of its log), running in a folder, by its DSN; stopped after.

    What lies in the folder goes first. segments: name and bytes of each, from the start of the base backup on. The
    moment lies before the last commit in them, and not before the end of the base backup.

    Raises:
        EmbeddedPostgresError: the log does not reach, or is damaged; with the last lines of the server's log.
    """
    clear(folder)
    private.make_folder(folder)
    _unpack(base, folder)
    (folder / ARCHIVE).mkdir()
    for name, chunks in segments:
        with (folder / ARCHIVE / name).open("wb") as file:
            file.writelines(chunks)
    (folder / "recovery.signal").touch()
    embedded.give_to_server(folder)
    settings = {
        "restore_command": f"cp {ARCHIVE}/%f %p",
        "recovery_target_timeline": "current",
        "recovery_target_action": "promote",
        # Otherwise it counts as started while it still recovers.
        "hot_standby": "off",
    }
    if at is not None:
        settings["recovery_target_time"] = at.astimezone(UTC).isoformat(sep=" ")
    with watched(folder.resolve()):
        try:
            dsn = embedded.start(folder, settings, wait_seconds=RECOVERY_SECONDS)
            shutil.rmtree(folder / ARCHIVE)
            yield dsn
        finally:
            embedded.stop(folder)


def alone(folder: Path) -> AbstractContextManager[None]:
    """One process at a time restores into a folder; another one waits."""
    return locked(folder.parent / f".{folder.name}.restore.lock")


def settle(draft: Path, folder: Path) -> None:
    """Give a recovered folder, whose server is stopped, its name. Nothing is there, or an empty folder."""
    (draft / "log").unlink(missing_ok=True)
    draft.rename(folder)
    clear(draft)


def clear(folder: Path) -> None:
    """Remove a data folder with all that lies beside it; a server that runs in it is stopped first."""
    embedded.stop(folder)
    with embedded.alone(folder):
        shutil.rmtree(folder, ignore_errors=True)


def _unpack(chunks: Iterable[bytes], folder: Path) -> None:
    with tarfile.open(fileobj=_Stream(chunks), mode="r|", bufsize=CHUNK_BYTES) as archive:
        for member in archive:
            if member.name.removeprefix("./") not in LEFT_OUT:
                archive.extract(member, folder, set_attrs=False, filter="data")


class _Stream(io.RawIOBase):
    """Chunks as a file that is read once."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """As many bytes as are at hand; 0 at the end."""
        goal = memoryview(buffer)
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        size = min(len(goal), len(self._rest))
        goal[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

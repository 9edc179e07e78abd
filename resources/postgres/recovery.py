"""Base backups of the embedded server, and recovery of its folder to any moment that its log holds.

What belongs here: the two ends of a physical backup. What does not: the log between them (wal.py), where both are kept
(assets), a server that is not ours: only the owner of a server's files has them.

No incremental base backups: servers before 18.7 bring deleted rows back from them.
"""

import io
import shutil
import tarfile
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from resources import private
from resources.postgres import embedded

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


def recover(
    folder: Path,
    base: Iterable[bytes],
    segments: Iterable[tuple[str, Iterable[bytes]]],
    at: datetime | None,
    finish: Callable[[str], None],
) -> None:
    """Make a data folder as the server was at a moment (None: at the end of its log). The folder must not be there.

    segments: name and bytes of each, from the start of the base backup on. The moment lies before the last commit in
    them, and not before the end of the base backup. finish: what is done in the recovered server, by its DSN, before
    the folder gets its name. The server is stopped then. After a kill, a further call begins from the start.

    Raises:
        EmbeddedPostgresError: the log does not reach, or is damaged; with the last lines of the server's log.
    """
    draft = folder.with_name(f".{folder.name}.new")
    clear(draft)
    private.make_folder(draft)
    _unpack(base, draft)
    (draft / ARCHIVE).mkdir()
    for name, chunks in segments:
        with (draft / ARCHIVE / name).open("wb") as file:
            file.writelines(chunks)
    (draft / "recovery.signal").touch()
    embedded.give_to_server(draft)
    settings = {
        "restore_command": f"cp {ARCHIVE}/%f %p",
        "recovery_target_timeline": "current",
        "recovery_target_action": "promote",
        # Otherwise it counts as started while it still recovers.
        "hot_standby": "off",
    }
    if at is not None:
        settings["recovery_target_time"] = at.astimezone(UTC).isoformat(sep=" ")
    try:
        finish(embedded.start(draft, settings, wait_seconds=RECOVERY_SECONDS))
    finally:
        embedded.stop(draft)
    shutil.rmtree(draft / ARCHIVE)
    (draft / "log").unlink(missing_ok=True)
    draft.rename(folder)
    clear(draft)


def clear(folder: Path) -> None:
    """Remove a data folder with all that lies beside it; a server that runs in it is stopped first."""
    embedded.stop(folder)
    shutil.rmtree(folder, ignore_errors=True)
    (folder.parent / f".{folder.name}.lock").unlink(missing_ok=True)


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

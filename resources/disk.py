"""A full disk: recognised in the error of the library that met it; each hides it behind words of its own. Pure.

What belongs here: recognising it. What does not: how it is shown (an op's in assets/declined.py, a command's in
clearlift_pipelines/cli).
"""

import errno

from resources.declined import DeclinedError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
# Of the operating system, in the words that Postgres, polars and obstore repeat; of SQLite.
_WORDS = ("No space left on device", "Disk quota exceeded", "database or disk is full")
_TOO_LARGE = "File too large"
LONGEST = 200  # characters of what a library says


class DiskFullError(DeclinedError):
    """A disk is full: of this machine, or of a store that says so."""

    retryable = True

    def __init__(self, said: str) -> None:
        super().__init__(f"the disk is full ({said})", "make room on it, then run the same again")


class FileLimitError(DiskFullError):
    """A file would become larger than this process may write."""

    def __init__(self, said: str) -> None:
        DeclinedError.__init__(
            self, f"a file is larger than this process may write ({said})", "raise `ulimit -f`, then run the same again"
        )


def full(error: BaseException) -> DiskFullError | None:
    """The refusal in the place of an error that a full disk caused; None where it was something else."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        lines = [line for line in str(cause).splitlines() if any(words in line for words in _WORDS)]
        if lines or (isinstance(cause, OSError) and cause.errno in _FULL):
            return DiskFullError((lines or [str(cause)])[0].strip()[:LONGEST])
        if _TOO_LARGE in str(cause) or (isinstance(cause, OSError) and cause.errno == errno.EFBIG):
            return FileLimitError(str(cause).strip().splitlines()[0][:LONGEST])
        cause = cause.__cause__ or cause.__context__
    return None

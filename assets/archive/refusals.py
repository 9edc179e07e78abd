"""What archives, restores and deletions refuse, as a person reads it: one sentence, and the command that comes next.

What belongs here: which errors are refusals and no faults of the program. What does not: the errors themselves.
"""

from assets.archive.commands import repairs
from assets.archive.parts import DamagedPartError
from assets.archive.restore import PartialRestoreError
from assets.archive.sealed import DamagedManifestError, NewerManifestError, NotArchivedError
from assets.archive.write import NotDueError
from assets.rows.source import RowsChangedError

DAMAGED = (DamagedPartError, DamagedManifestError)
REFUSALS = (*DAMAGED, NewerManifestError, NotArchivedError, NotDueError, PartialRestoreError, RowsChangedError)


def sentence(error: Exception) -> str:
    """A refusal as one sentence with the next command."""
    if isinstance(error, DAMAGED):
        return f"{error}: {repairs([str(error)])}"
    if isinstance(error, RowsChangedError):
        return f"{error}: run the same command again"
    return str(error)

"""Removing what killed restores of backups left on this machine: it may hold people who were erased since.

What does not belong here: folders that somebody restored to on purpose, of which nothing is known here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from assets.apps import App
from assets.backups.scratch import remove_abandoned
from assets.privacy.identity import Erased, Identity
from assets.rooms import Rooms


def eraser(rooms: Rooms, app: App) -> "WorkingFoldersEraser":  # noqa: ARG001 (of all apps together)
    """The Eraser of the folders of killed restores and drills."""
    return WorkingFoldersEraser(rooms)


@dataclass(frozen=True)
class WorkingFoldersEraser:
    """The folders below the one for files that only one process needs."""

    rooms: Rooms

    @property
    def place(self) -> str:
        """See Eraser."""
        return "working folders"

    def erase(self, identities: Sequence[Identity]) -> Erased:  # noqa: ARG002 (nobody's are looked through)
        """See Eraser. A folder in use goes when its process ends, within a day."""
        removed = remove_abandoned(self.rooms.scratch)
        in_use = self.rooms.scratch.is_dir() and any(self.rooms.scratch.iterdir())
        gone_by = (self.rooms.clock() + timedelta(days=1)).date() if in_use else None
        return Erased(self.place, objects=removed, gone_by=gone_by)

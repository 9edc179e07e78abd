"""Verifying live data files: each is read whole and compared with what was written to it.

A file of ours has its rows' checksum in its name. Only the number of rows is known of another writer's file, and of a
file with a column that another engine dropped from the table. What belongs here: finding damage. What does not:
repairing it (rebuild.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from assets.progress import Progress, silent
from assets.windows import Window
from resources.lake import DataFile, LakeTable


@dataclass
class VerifiedLake:
    """Files that were read, the rows that they should have, and the damaged ones.

    counted: of how many of them only the number of rows is known. missing: files that could not be read, because they
    are gone.
    """

    files: int = 0
    rows: int = 0
    counted: int = 0
    damaged: list[DataFile] = field(default_factory=list)
    missing: list[DataFile] = field(default_factory=list)

    @classmethod
    def together(cls, several: Sequence[Self]) -> Self:
        """What was found in several tables."""
        return cls(
            sum(one.files for one in several),
            sum(one.rows for one in several),
            sum(one.counted for one in several),
            [file for one in several for file in one.damaged],
            [file for one in several for file in one.missing],
        )


def verify(
    table: LakeTable, window: Window | None = None, org: str | None = None, progress: Progress = silent
) -> VerifiedLake:
    """Read the live files of a window of whole days, or all, and of one organisation, or all."""
    start, end = (window.start, window.end) if window else (None, None)
    files = table.files(start, end, None if org is None else [org])
    done = VerifiedLake()
    for number, info in enumerate(files, start=1):
        is_whole = table.is_whole(info.file)
        if not is_whole and not table.is_there(info.file):
            done.missing.append(info.file)
        else:
            done.files += 1
            done.rows += info.rows
            done.counted += not table.by_checksum(info.file)
            done.damaged += [] if is_whole else [info.file]
        progress(number, len(files))
    return done

"""Verifying live data files: each is read whole and compared with what was written to it.

A file of ours has its rows' checksum in its name. Of another writer's file only the number of rows is known. What
belongs here: finding damage. What does not: repairing it (rebuild.py).
"""

from dataclasses import dataclass, field

from assets.progress import Progress, silent
from assets.windows import Window
from resources.lake import DataFile, LakeTable


@dataclass
class VerifiedLake:
    """What was read: files and their rows; files of which only the number of rows is known; damaged files."""

    files: int = 0
    rows: int = 0
    counted: int = 0
    damaged: list[DataFile] = field(default_factory=list)


def verify(
    table: LakeTable, window: Window | None = None, org: str | None = None, progress: Progress = silent
) -> VerifiedLake:
    """Read the live files of a window of whole days, or all, and of one organisation, or all."""
    start, end = (window.start, window.end) if window else (None, None)
    files = table.files(start, end, None if org is None else [org])
    done = VerifiedLake()
    for number, info in enumerate(files, start=1):
        done.files += 1
        done.rows += info.rows
        done.counted += not table.wrote(info.file)
        if not table.is_whole(info.file):
            done.damaged.append(info.file)
        progress(number, len(files))
    return done

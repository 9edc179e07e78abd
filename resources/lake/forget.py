"""Forgetting: data files that nobody may read any more, with every snapshot and manifest that leads to them, at once.

Upkeep leaves time to readers, this does not. So it is the caller who knows that no commit is on its way which needs one
of the files. What does not belong here: which files these are.
"""

from collections.abc import Collection, Sequence

from pyiceberg.table import Table
from pyiceberg.table.refs import MAIN_BRANCH

from resources.counts import counted
from resources.declined import DeclinedError
from resources.lake.expiry import KeptSnapshot, expire
from resources.lake.sweep import UNKNOWN_AGE, StoredFile, delete, path_of, reach_of, survey
from resources.lake.table import LakeTable


class KeptByReferenceError(DeclinedError):
    """A branch or a tag keeps a snapshot with files that are to be forgotten; the message names it."""


class StillNeededError(DeclinedError):
    """The current snapshot needs files that are to be forgotten: deletes of another engine, or what came meanwhile."""


def require_free(table: LakeTable, paths: Collection[str]) -> None:
    """Check that no branch but the main one, and no tag, needs one of some files (paths in the store).

    Raises:
        KeptByReferenceError: one does.
    """
    now, needed = reach_of(table)
    keeping = [
        f"{ref.snapshot_ref_type.value} {name}"
        for name, ref in sorted(now.metadata.refs.items())
        if name != MAIN_BRANCH and not needed[ref.snapshot_id].isdisjoint(paths)
    ]
    if keeping:
        raise KeptByReferenceError(
            f"{', '.join(keeping)} of {'.'.join(now.name())} keeps data files that must go",
            "drop it with the engine that made it, then run the same again",
        )


def forget(table: LakeTable, since: int, paths: Collection[str]) -> int:
    """Expire the snapshots before `since`, remove what only these need, and these files; returns how many files.

    paths: in the store; no live file is among them. A call after a killed one removes what is left, and the manifests
    of what expired too: they are older than `since`, and a commit that began before it writes its own again.

    Raises:
        KeptByReferenceError: a branch or tag keeps one of the files; nothing was forgotten.
        MissingFilesError: the listing lacks files that the table names; nothing was removed.
        StillNeededError: the table as it is now needs some of them; all else was forgotten.
    """
    require_free(table, paths)
    _, needed = reach_of(table)

    def kept(snapshots: Sequence[KeptSnapshot]) -> set[int]:
        ids = [snapshot.id for snapshot in snapshots]
        return set(ids[ids.index(since) :] if since in ids else ids)

    expire(table, kept)
    files = survey(table, UNKNOWN_AGE)
    files.require_whole()
    unneeded = [*files.old, *files.young]
    expired = set(paths).union(*needed.values()) | _manifests_before(table.load(), since, files.reached, unneeded)
    # Data files go last: as long as one is there, a search finds that something is left to do.
    going = sorted({file.path for file in unneeded} & expired, key=lambda path: path.endswith(".parquet"))
    removed = delete(table, going)
    if left := sorted(set(paths) & {file.path for file in files.reached}):
        raise StillNeededError(
            f"{counted(len(left), 'file')} of {'.'.join(table.spec.identifier)} still needed, e.g. {left[0]}",
            "run the same again; where they hold rows that another engine deleted by value, rewrite with that engine "
            "the data files to which they apply",
        )
    return removed


def _manifests_before(
    table: Table, since: int, reached: Sequence[StoredFile], unneeded: Sequence[StoredFile]
) -> set[str]:
    snapshot = table.metadata.snapshot_by_id(since)
    path = path_of(table, snapshot.manifest_list) if snapshot is not None else ""
    at = next((file.modified for file in reached if file.path == path), None)
    return {file.path for file in unneeded if at is not None and file.kind == "manifests" and file.modified < at}

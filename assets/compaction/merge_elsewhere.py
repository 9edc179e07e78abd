"""Groups of heavy days rewritten by another engine: the task for it, and the proof of the files that it wrote.

A group that it does not get, or whose rows it finds twice, is left to our own engine. What does not belong here:
starting the engine (assets/other_engine.py), which groups are worth a rewrite (plan.py), commits (rewrite.py).
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from assets.compaction.plan import Group
from assets.other_engine import Elsewhere, OtherEngineError
from resources.lake import DamagedFilesError, FileInfo, LakeTable, PartitionKey, Promised, Rewritten
from resources.lake.writing import ROW_GROUP_ROWS


@dataclass(frozen=True)
class Merge:
    """A group with its files, and the other files of its partition that stay."""

    group: Group
    sources: Sequence[FileInfo]
    others: Sequence[FileInfo]

    @property
    def key(self) -> PartitionKey:
        return PartitionKey(self.group.tenant, self.group.day)


def can_merge(table: LakeTable, merge: Merge) -> bool:
    """Whether the program can read the files: those that were written here have field ids and no deleted rows."""
    return all(table.wrote(info.file) and not info.has_deletes for info in (*merge.sources, *merge.others))


def merge_elsewhere(table: LakeTable, merges: Sequence[Merge], elsewhere: Elsewhere) -> dict[Group, Rewritten]:
    """The new file of each group, read back and compared; not of those that our own engine has to judge.

    Raises:
        OtherEngineError: it failed, or wrote nothing, and no file of theirs is damaged.
    """
    promised: dict[Group, Promised] = {}
    for merge in merges:
        # Our own engine names the damaged files of a group.
        with suppress(DamagedFilesError):
            promised[merge.group] = table.promised(merge.key, merge.sources)
    given = [merge for merge in merges if merge.group in promised]
    if not given:
        return {}
    try:
        said = elsewhere.do(task(table, given, promised), answers=len(given))
    except OtherEngineError:
        whole = [merge for merge in given if all(table.is_whole(info.file) for info in merge.sources)]
        if len(whole) == len(given):
            raise
        return merge_elsewhere(table, whole, elsewhere) if whole else {}
    found = {}
    for merge, answer in zip(given, said, strict=True):
        promise = promised[merge.group]
        with suppress(DamagedFilesError):
            rewritten = _proved(table, promise)
            if not answer["doubled"] and rewritten.distinct == rewritten.rows:
                found[merge.group] = rewritten
            else:
                table.discard(rewritten.file)
    return found


def _proved(table: LakeTable, promise: Promised) -> Rewritten:
    try:
        return table.proved(promise, distinct=table.spec.id)
    except FileNotFoundError:
        raise OtherEngineError(
            f"the other engine did not write {promise.path.rpartition('/')[2]}", "look at its output in the log"
        ) from None


def task(table: LakeTable, merges: Sequence[Merge], promised: dict[Group, Promised]) -> dict[str, Any]:
    """What the program has to know; docs/scaling.md describes it."""
    return {
        "work": "merge",
        "id": table.layout.live_names[table.spec.id],
        "order": table.layout.live_names[table.spec.time],
        "row_group_rows": ROW_GROUP_ROWS,
        "merges": [
            {
                "columns": list(promised[merge.group].columns),
                "sources": [info.path for info in merge.sources],
                "others": [info.path for info in merge.others],
                "target": promised[merge.group].path,
            }
            for merge in merges
        ],
    }

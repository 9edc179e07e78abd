"""Commits: add files, replace files by others, drop partitions, so that exactly one commit is visible whatever happens.

Only `CommitFailedException` and `ValidationException` mean 'not landed'. After anything else the table is looked at
before the commit is tried again; files of an attempt that may have landed are never deleted here.
"""

import logging
import random
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager

from pyiceberg.exceptions import CommitFailedException, ValidationException
from pyiceberg.manifest import DATA_FILE_TYPE, DEFAULT_READ_VERSION, DataFile, ManifestEntry, ManifestFile
from pyiceberg.table import FileScanTask, Table, Transaction
from pyiceberg.table.snapshots import Operation, Summary, UpdateMetrics, update_snapshot_summaries
from pyiceberg.table.update.snapshot import _OverwriteFiles

from resources.lake.data_file import PartitionKey

log = logging.getLogger(__name__)

COMMIT_ID = "clearlift.commit-id"
FENCE = "clearlift.fence"
ATTEMPTS = 8

Lock = Callable[[], AbstractContextManager[object]]

_COUNTS = [
    position
    for position, field in enumerate(DATA_FILE_TYPE[DEFAULT_READ_VERSION].fields)
    if field.name in {"value_counts", "null_value_counts", "nan_value_counts"}
]


class SourcesGoneError(RuntimeError):
    """Files that were to be replaced are no longer in the table: someone else rewrote or deleted them. Plan anew."""


class FencedOffError(RuntimeError):
    """Another process took this one for dead and gave its work to someone else; nothing was changed."""


class CommitUnknownError(RuntimeError):
    """The catalog never told whether a commit landed, and looking did not settle it."""


class _ExactFiles(_OverwriteFiles):
    """Takes exactly the given data files away, against the head that has just been loaded.

    pyiceberg asks one evaluator of manifests from several threads, and it keeps the manifest in itself: on a busy
    machine one of 700 commits missed files that were there, and was refused. One thread at a time asks it here.
    """

    def _build_manifest_evaluator(self, spec_id: int) -> Callable[[ManifestFile], bool]:
        evaluate, one_at_a_time = super()._build_manifest_evaluator(spec_id), threading.Lock()

        def evaluated(manifest: ManifestFile) -> bool:
            with one_at_a_time:
                return evaluate(manifest)

        return evaluated

    def _validate_concurrency(self) -> None:
        """Nothing beyond `_validate_required_deletes`: files that were appended since are other files."""

    def _deleted_entries(self) -> list[ManifestEntry]:
        """Without counts by column, which nobody asks of a file that is gone: half of what they take to write."""
        entries = super()._deleted_entries()
        for entry in entries:
            for position in _COUNTS:
                entry.data_file[position] = None
        return entries

    def _summary(self, snapshot_properties: Mapping[str, str] = {}) -> Summary:
        """As pyiceberg's, which works out the path of each file's partition only to count them."""
        changed = UpdateMetrics()
        for file in self._added_data_files:
            changed.add_file(file)
        for file in self._deleted_data_files:
            changed.remove_file(file)
        files = [*self._added_data_files, *self._deleted_data_files]
        told = {**changed.to_dict(), "changed-partition-count": str(len({PartitionKey.of(file) for file in files}))}
        previous = self._transaction.table_metadata.current_snapshot()
        before = previous.summary if previous is not None else None
        return update_snapshot_summaries(Summary(self._operation, **told, **snapshot_properties), before)


class _ReplaceFiles(_ExactFiles):
    """Replaces data files by others that hold the same rows (Iceberg's operation `replace`).

    pyiceberg 0.12 has no public producer for it, and its summary code knows append, overwrite and delete only.
    """

    def _summary(self, snapshot_properties: Mapping[str, str] = {}) -> Summary:
        summary = super()._summary(dict(snapshot_properties))
        return Summary(Operation.REPLACE, **summary.additional_properties)


def append(
    load: Callable[[], Table],
    lock: Lock,
    files: Iterable[DataFile],
    commit_id: str,
    properties: Mapping[str, str],
    sleep: Callable[[float], None] = time.sleep,
    behind: str | None = None,
) -> int:
    """Add `files` in one snapshot known by `commit_id`; a commit id that landed before adds nothing. Snapshot id.

    Raises:
        FencedOffError: the table's fence is no longer the one that this commit stands `behind`, where it does.
    """
    files = list(files)

    def build(transaction: Transaction) -> None:
        if behind is not None and fence(transaction._table) != behind:
            raise FencedOffError(f"commit {commit_id}: another process has taken over; run it again")
        transaction.set_properties({COMMIT_ID: commit_id})
        with transaction.update_snapshot({**properties, COMMIT_ID: commit_id}).fast_append() as producer:
            for file in files:
                producer.append_data_file(file)

    return land(load, lock, build, commit_id, sleep)


def fence(table: Table) -> str:
    """What commits that must not come after their own funeral stand behind; empty before the first `fence_off`."""
    return str(table.metadata.properties.get(FENCE, ""))


def fence_off(
    load: Callable[[], Table], lock: Lock, commit_id: str, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Make sure that a commit that stands behind the fence lands before this returns, or never.

    Its process may be alive, and only its connection gone. An empty snapshot moves the fence: a property alone would
    not make a commit that is on its way lose its race, for catalogs compare snapshots.
    """
    new = str(uuid.uuid4())

    def build(transaction: Transaction) -> None:
        transaction.set_properties({FENCE: new})
        with transaction.update_snapshot({FENCE: new}).fast_append():
            pass

    land(load, lock, build, commit_id, sleep)


def replace(
    load: Callable[[], Table],
    lock: Lock,
    old: Iterable[DataFile],
    new: Iterable[DataFile],
    commit_id: str,
    properties: Mapping[str, str],
    relied_on: Iterable[DataFile] = (),
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Put `new` in the place of exactly `old`, in one snapshot, if the files `relied_on` are still live.

    Raises:
        SourcesGoneError: one of `old` or of `relied_on` is no longer in the table, or has lost rows to a row-level
            delete, which `new` would bring back; nothing was changed.
    """
    old, new = list(old), list(new)
    needed = {file.file_path for file in relied_on}

    def build(transaction: Transaction) -> None:
        table = transaction._table
        # pyiceberg itself sees that a file of `old` is gone; whether rows of it are is planned for only where any are.
        required = needed | {file.file_path for file in old} if _has_row_deletes(table) else needed
        if required and not required <= _whole_paths(table):
            raise SourcesGoneError(f"of {len(required)} files that were relied on, some are no longer live")
        producer = _ReplaceFiles(
            operation=Operation.OVERWRITE,
            transaction=transaction,
            io=transaction._table.io,
            snapshot_properties={**properties, COMMIT_ID: commit_id},
        )
        for file in old:
            producer.delete_data_file(file)
        for file in new:
            producer.append_data_file(file)
        try:
            producer.commit()
        except ValidationException as error:
            raise SourcesGoneError(f"{len(old)} files were to be replaced: {_first_line(error)}") from error

    return land(load, lock, build, commit_id, sleep)


def drop(
    load: Callable[[], Table],
    lock: Lock,
    partitions: Mapping[PartitionKey, Collection[DataFile]],
    live: Callable[[Table], Iterable[FileScanTask]],
    commit_id: str,
    properties: Mapping[str, str],
    sleep: Callable[[float], None] = time.sleep,
) -> set[PartitionKey]:
    """Take away, in one snapshot, those partitions whose live files are exactly the given ones; gives which went.

    `live` plans the files of (at least) the partitions. One that has got another file since, or of which rows were
    deleted one by one, stays as it is.
    """
    gone: set[PartitionKey] = set()

    def build(transaction: Transaction) -> None:
        gone.clear()
        whole: dict[PartitionKey, set[str]] = defaultdict(set)
        for task in live(transaction._table):
            whole[PartitionKey.of(task.file)].add("" if task.delete_files else task.file.file_path)
        producer = _ExactFiles(
            operation=Operation.DELETE,
            transaction=transaction,
            io=transaction._table.io,
            snapshot_properties={**properties, COMMIT_ID: commit_id},
        )
        for key, files in partitions.items():
            if files and whole[key] == {file.file_path for file in files}:
                gone.add(key)
                for file in files:
                    producer.delete_data_file(file)
        if not gone:
            raise SourcesGoneError("none of the partitions is as it was")
        producer.commit()

    try:
        land(load, lock, build, commit_id, sleep)
    except SourcesGoneError:
        return set()
    return gone


def _has_row_deletes(table: Table) -> bool:
    snapshot = table.current_snapshot()
    summary = snapshot.summary if snapshot is not None else None
    return summary is not None and summary.additional_properties.get("total-delete-files", "0") != "0"


def _whole_paths(table: Table) -> set[str]:
    """Live data files of which no row is deleted."""
    return {task.file.file_path for task in table.scan().plan_files() if not task.delete_files}


def landed(table: Table, commit_id: str) -> int | None:
    """The snapshot that carries `commit_id`; 0 if it is the table's last append and its snapshot has expired."""
    for snapshot in reversed(table.metadata.snapshots):
        if snapshot.summary is not None and snapshot.summary.additional_properties.get(COMMIT_ID) == commit_id:
            return snapshot.snapshot_id
    return 0 if table.metadata.properties.get(COMMIT_ID) == commit_id else None


def land(
    load: Callable[[], Table],
    lock: Lock,
    build: Callable[[Transaction], None],
    commit_id: str,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Commit what `build` stages on the table as it is under the lock, once for a `commit_id`. Snapshot id."""
    unknown: Exception | None = None
    for attempt in range(ATTEMPTS):
        if attempt:
            sleep(random.uniform(0, min(5.0, 0.05 * 2**attempt)))  # noqa: S311 (jitter)
        with lock():
            table = load()
            if (snapshot := landed(table, commit_id)) is not None:
                return snapshot
            transaction = table.transaction()
            build(transaction)
            try:
                committed = transaction.commit_transaction()
            except (CommitFailedException, ValidationException) as error:
                log.info("commit %s lost a race, trying again: %s", commit_id, _first_line(error))
                unknown = None
                continue
            except Exception as error:  # noqa: BLE001 (any other outcome is unknown: look before doing it again)
                log.warning("commit %s ended in %s, looking whether it landed", commit_id, type(error).__name__)
                unknown = error
                continue
            return committed.metadata.current_snapshot_id or 0
    if (snapshot := landed(load(), commit_id)) is not None:
        return snapshot
    if unknown is not None:
        raise CommitUnknownError(f"commit {commit_id}: {type(unknown).__name__}") from unknown
    raise CommitFailedException(f"commit {commit_id} lost {ATTEMPTS} races")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__

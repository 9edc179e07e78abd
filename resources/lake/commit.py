"""Commits: add files, replace files by others, drop partitions, so that exactly one commit is visible in the end.

Only `CommitFailedException` and `ValidationException` mean that a commit did not land. After any other error the table
is read before the next try. Files of a try that may have landed are never deleted here.
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
from pyiceberg.manifest import (
    DATA_FILE_TYPE,
    DEFAULT_READ_VERSION,
    DataFile,
    ManifestContent,
    ManifestEntry,
    ManifestFile,
    ManifestWriterV2,
)
from pyiceberg.table import Table, Transaction
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Operation, Summary, UpdateMetrics, update_snapshot_summaries
from pyiceberg.table.update import _apply_table_update, _TableMetadataUpdateContext
from pyiceberg.table.update.snapshot import _OverwriteFiles

from resources.lake import planning
from resources.lake.changes import History
from resources.lake.data_file import FileInfo, PartitionKey, Source, deletes, raw
from resources.lake.layout import writable

log = logging.getLogger(__name__)

COMMIT_ID = "clearlift.commit-id"
# The sequence number of the table's last append of ours. A rollback does not take properties back.
COMMIT_SEQUENCE = "clearlift.commit-sequence"
FENCE = "clearlift.fence"
ATTEMPTS = 8

Lock = Callable[[], AbstractContextManager[object]]

_COUNTS = [
    position
    for position, field in enumerate(DATA_FILE_TYPE[DEFAULT_READ_VERSION].fields)
    if field.name in {"value_counts", "null_value_counts", "nan_value_counts"}
]


class SourcesGoneError(RuntimeError):
    """Another commit rewrote or deleted files that were to be replaced. Make the plan again."""


class FencedOffError(RuntimeError):
    """Another process took over the work of this one, because it seemed dead; nothing was changed."""


class RolledBackError(RuntimeError):
    """The table was rolled back since the work began. Begin again, because what it relied on may be gone."""


class CommitUnknownError(RuntimeError):
    """It is unknown whether a commit landed: the catalog did not answer, and the table did not show it."""


class _Uncopied(Transaction):
    """pyiceberg's transaction, which copies all of the table's metadata at each look at it: 39 ms at 176 snapshots.

    No copy is needed, because an update makes new metadata and leaves the old as it was.
    """

    @property
    def table_metadata(self) -> TableMetadata:
        """The metadata with the updates so far."""
        metadata, context = self._table.metadata, _TableMetadataUpdateContext()
        for update in self._updates:
            metadata = _apply_table_update(update, metadata, context)
        return metadata


class _ExactFiles(_OverwriteFiles):
    """Removes exactly the given data files, on the table as it was just loaded.

    pyiceberg calls one evaluator of manifests from several threads, and the evaluator stores the manifest in itself. On
    a busy machine one of 700 commits did not find files that were there. So only one thread at a time calls it here.
    """

    def _build_manifest_evaluator(self, spec_id: int) -> Callable[[ManifestFile], bool]:
        evaluate, one_at_a_time = super()._build_manifest_evaluator(spec_id), threading.Lock()

        def evaluated(manifest: ManifestFile) -> bool:
            with one_at_a_time:
                return evaluate(manifest)

        return evaluated

    _gone: Collection[DataFile] = ()

    def _validate_concurrency(self) -> None:
        """Only `_validate_required_deletes` counts: files that were appended meanwhile are other files."""

    def _deleted_entries(self) -> list[ManifestEntry]:
        """Without counts by column: no reader needs those of a removed file, and they take half of the writing time."""
        entries = super()._deleted_entries()
        for entry in entries:
            for position in _COUNTS:
                entry.data_file[position] = None
        return entries

    def _summary(self, snapshot_properties: Mapping[str, str] = {}) -> Summary:
        """As pyiceberg's own, which would compute the path of each file's partition only to count the partitions."""
        changed = UpdateMetrics()
        for file in self._added_data_files:
            changed.add_file(file)
        for file in self._deleted_data_files:
            changed.remove_file(file)
        partitions = {(f.spec_id, f.partition) for f in (*self._added_data_files, *self._deleted_data_files)}
        for file in self._gone:
            changed.remove_file(file)
        counts = {**changed.to_dict(), "changed-partition-count": str(len(partitions))}
        previous = self._transaction.table_metadata.current_snapshot()
        before = previous.summary if previous is not None else None
        return update_snapshot_summaries(Summary(self._operation, **counts, **snapshot_properties), before)


class DeletesWriter(ManifestWriterV2):
    """A manifest of delete files, of which pyiceberg 0.12 writes none."""

    def content(self) -> ManifestContent:
        return ManifestContent.DELETES

    @property
    def _meta(self) -> dict[str, str]:
        return {**super()._meta, "content": "deletes"}


class _ReplaceFiles(_ExactFiles):
    """Replaces data files by others with the same rows (Iceberg's operation `replace`).

    pyiceberg 0.12 has no public class for it, and its summaries are for append, overwrite and delete only. It cannot
    take delete files out of manifests either: those that no data file is left for.
    """

    def take_out(self, deletes: Collection[DataFile]) -> None:
        """Remove delete files together with the data files."""
        self._gone = deletes

    def _process_manifests(self, manifests: list[ManifestFile]) -> list[ManifestFile]:
        if not self._gone:
            return manifests
        return [kept for manifest in manifests for kept in self._without_gone(manifest)]

    def _without_gone(self, manifest: ManifestFile) -> list[ManifestFile]:
        if manifest.content != ManifestContent.DELETES:
            return [manifest]
        entries = manifest.fetch_manifest_entry(self._io)
        if not any(entry.data_file in self._gone for entry in entries):
            return [manifest]
        if any(entry.data_file.equality_ids for entry in entries):
            # pyiceberg 0.12 writes their field ids as 64-bit integers, at which Spark fails: only whole manifests go.
            return [] if all(entry.data_file in self._gone for entry in entries) else [manifest]
        spec, output = self.spec(manifest.partition_spec_id), self.new_manifest_output()
        with DeletesWriter(spec, self.schema(), output, self._snapshot_id, self._compression) as writer:
            for entry in entries:
                (writer.delete if entry.data_file in self._gone else writer.existing)(entry)
        return [writer.to_manifest_file()]

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
    upon: tuple[int | None, int] | None = None,
) -> int:
    """Add `files` in one snapshot with this `commit_id`; nothing if a commit with it landed before. The snapshot's id.

    Raises:
        FencedOffError: `behind` is given, and the table's fence has another value now.
        RolledBackError: `upon` is given, a snapshot's id and sequence number, and is no longer part of the table.
    """
    files = list(files)

    def build(transaction: Transaction) -> None:
        if behind is not None and fence(transaction._table) != behind:
            raise FencedOffError(f"commit {commit_id}: another process has taken over; run it again")
        snapshot_id, sequence = upon or (None, 0)
        if snapshot_id is not None and not History(transaction._table).holds(snapshot_id, sequence):
            raise RolledBackError(f"commit {commit_id}: the table was rolled back meanwhile; run it again")
        number = str(transaction.table_metadata.next_sequence_number())
        transaction.set_properties({COMMIT_ID: commit_id, COMMIT_SEQUENCE: number})
        with transaction.update_snapshot({**properties, COMMIT_ID: commit_id}).fast_append() as producer:
            for file in files:
                producer.append_data_file(file)

    return land(load, lock, build, commit_id, sleep)


def fence(table: Table) -> str:
    """The value of the table's fence. A commit with an old value is refused. Empty before `fence_off`."""
    return str(table.metadata.properties.get(FENCE, ""))


def fence_off(
    load: Callable[[], Table], lock: Lock, commit_id: str, sleep: Callable[[float], None] = time.sleep
) -> int:
    """Change the fence: a commit with the old value lands before this function returns, or never. The snapshot's id.

    The process of that commit may be alive, with a lost connection. An empty snapshot goes with the new value, because
    catalogs compare snapshots: with a property alone, a commit that is on its way would still win its race.
    """
    new = str(uuid.uuid4())

    def build(transaction: Transaction) -> None:
        transaction.set_properties({FENCE: new})
        with transaction.update_snapshot({FENCE: new}).fast_append():
            pass

    return land(load, lock, build, commit_id, sleep)


def replace(
    load: Callable[[], Table],
    lock: Lock,
    old: Iterable[Source],
    new: Iterable[DataFile],
    commit_id: str,
    properties: Mapping[str, str],
    live: Callable[[Table], Iterable[FileInfo]],
    relied_on: Iterable[Source] = (),
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Replace exactly `old` by `new` in one snapshot, if the files `relied_on` are still live. The snapshot's id.

    `live` plans the partitions of these files. Delete files that apply to none of the files that stay go too.

    Raises:
        SourcesGoneError: one of `old` or `relied_on` is no longer in the table, or a row-level delete removed rows of
            it since it was planned, which `new` would bring back; nothing was changed.
    """
    old, new, relied_on = list(old), list(new), list(relied_on)

    def build(transaction: Transaction) -> None:
        table = transaction._table
        # pyiceberg itself finds a missing file of `old`. Only a plan finds deleted rows, so only if there are any.
        needed = [*old, *relied_on] if planning.has_deletes(table) else relied_on
        planned = {info.path: info for info in live(table)} if needed else {}
        for source in needed:
            found = planned.get(raw(source).file_path)
            if found is None or set(found.deletes) != set(deletes(source)):
                raise SourcesGoneError(f"some of {len(needed)} required files are no longer live as they were")
        producer = _ReplaceFiles(
            operation=Operation.OVERWRITE,
            transaction=transaction,
            io=transaction._table.io,
            snapshot_properties={**properties, COMMIT_ID: commit_id},
        )
        for source in old:
            producer.delete_data_file(raw(source))
            planned.pop(raw(source).file_path, None)
        for file in new:
            producer.append_data_file(file)
        producer.take_out(_left_without(old, planned.values()))
        try:
            producer.commit()
        except ValidationException as error:
            raise SourcesGoneError(f"{len(old)} files were to be replaced: {_first_line(error)}") from error

    return land(load, lock, build, commit_id, sleep)


def _left_without(old: Iterable[Source], staying: Iterable[FileInfo]) -> set[DataFile]:
    """The delete files of `old` in its own partitions that apply to no file that stays there."""
    still = {delete for info in staying for delete in info.deletes}
    return {d for source in old for d in deletes(source) if d.partition == raw(source).partition} - still


def drop(
    load: Callable[[], Table],
    lock: Lock,
    partitions: Mapping[PartitionKey, Collection[DataFile]],
    live: Callable[[Table], Iterable[FileInfo]],
    commit_id: str,
    properties: Mapping[str, str],
    sleep: Callable[[float], None] = time.sleep,
) -> set[PartitionKey]:
    """Remove, in one snapshot, the partitions whose live files are exactly the given ones; returns these partitions.

    `live` plans the files of the partitions (of others too, if that is simpler). A partition with a new file, or with
    rows deleted one by one, stays as it is.
    """
    dropped: set[PartitionKey] = set()

    def build(transaction: Transaction) -> None:
        dropped.clear()
        whole: dict[PartitionKey, set[str]] = defaultdict(set)
        for info in live(transaction._table):
            # A file of another partition spec may have rows of any of the partitions.
            for key in partitions if info.partition is None else (info.partition,):
                whole[key].add("" if info.has_deletes or info.partition is None else info.path)
        producer = _ExactFiles(
            operation=Operation.DELETE,
            transaction=transaction,
            io=transaction._table.io,
            snapshot_properties={**properties, COMMIT_ID: commit_id},
        )
        for key, files in partitions.items():
            if files and whole[key] == {file.file_path for file in files}:
                dropped.add(key)
                for file in files:
                    producer.delete_data_file(file)
        if not dropped:
            raise SourcesGoneError("none of the partitions is as it was")
        producer.commit()

    try:
        land(load, lock, build, commit_id, sleep)
    except SourcesGoneError:
        return set()
    return dropped


def landed(table: Table, commit_id: str) -> int | None:
    """The snapshot with this `commit_id`; 0 if it was the table's last append and its snapshot has expired.

    None also for a snapshot that an operator rolled back.
    """
    history = History(table)
    for snapshot in table.metadata.snapshots:
        if snapshot.summary is not None and snapshot.summary.additional_properties.get(COMMIT_ID) == commit_id:
            return snapshot.snapshot_id if snapshot.snapshot_id in history.ids else None
    properties = table.metadata.properties
    if properties.get(COMMIT_ID) != commit_id:
        return None
    return 0 if int(properties.get(COMMIT_SEQUENCE, "0")) < max(history.oldest, 1) else None


def land(
    load: Callable[[], Table],
    lock: Lock,
    build: Callable[[Transaction], None],
    commit_id: str,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Commit once for a `commit_id` what `build` does on the table as it is under the lock. The snapshot's id."""
    unknown: Exception | None = None
    for attempt in range(ATTEMPTS):
        if attempt:
            sleep(random.uniform(0, min(5.0, 0.05 * 2**attempt)))  # noqa: S311 (jitter)
        with lock():
            table = load()
            if (snapshot := landed(table, commit_id)) is not None:
                return snapshot
            writable(table.metadata, ".".join(table.name()))
            # Another engine may have changed the property: pyiceberg's own retries do not look whether a try landed.
            table.metadata.properties["commit.retry.num-retries"] = "0"
            transaction = _Uncopied(table)
            build(transaction)
            try:
                committed = transaction.commit_transaction()
            except (CommitFailedException, ValidationException) as error:
                log.info("commit %s lost a race, trying again: %s", commit_id, _first_line(error))
                unknown = None
                continue
            except Exception as error:  # noqa: BLE001 (the outcome of any other error is unknown)
                log.warning(
                    "commit %s ended in %s; the table is read to see whether it landed", commit_id, type(error).__name__
                )
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

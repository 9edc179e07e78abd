"""Relocation: the metadata of a table whose files were copied to other places, rewritten to name these places.

Paths are absolute in Iceberg, in metadata, lists, manifests and in the rows of position deletes. What belongs here:
rewriting them in the copies. What does not: copying files, catalogs.
"""

import json
from collections.abc import Callable, Mapping
from typing import IO, Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.avro.codecs import AvroCompressionCodec
from pyiceberg.io import FileIO
from pyiceberg.manifest import (
    DATA_FILE_TYPE,
    DEFAULT_READ_VERSION,
    DataFile,
    DataFileContent,
    ManifestContent,
    ManifestEntryStatus,
    ManifestFile,
    ManifestWriter,
    read_manifest_list,
    write_manifest,
    write_manifest_list,
)
from pyiceberg.serializers import FromInputFile, ToOutputFile
from pyiceberg.table.metadata import TableMetadata, TableMetadataUtil
from pyiceberg.table.snapshots import Snapshot

from resources.lake.commit import DeletesWriter
from resources.lake.layout import writable

Moved = Callable[[str], str]
"""The place of a copy, by the location of what was copied; the same text for what is no such location."""

# Reserved by Iceberg for the column of position deletes that names data files.
_PATH_COLUMN, _PATH_ID = "file_path", 2147483546
# Places in pyiceberg's records, whose properties cannot be set.
_MANIFEST_PATH, _MANIFEST_BYTES = 0, 1
_FIELDS = {field.name: place for place, field in enumerate(DATA_FILE_TYPE[DEFAULT_READ_VERSION].fields)}


def relocate(io: FileIO, metadata_location: str, moved: Moved) -> None:
    """Rewrite what was copied unchanged: position deletes, manifests, lists, and at last the metadata.

    `metadata_location` is where the copy of the metadata lies. A part that was rewritten must be copied again before
    this is run again.

    Raises:
        LayoutError: the table's format is newer than the one that can be written here.
    """
    metadata = FromInputFile.table_metadata(io.new_input(metadata_location))
    writable(metadata, metadata_location)
    copies = _Copies(io, metadata, moved)
    for snapshot in metadata.snapshots:
        copies.relist(snapshot)
    # Older metadata files are no part of the state, and are not copied.
    document = {**json.loads(metadata.model_dump_json()), "metadata-log": []}
    relocated = TableMetadataUtil.parse_obj(_renamed(document, moved))
    ToOutputFile.table_metadata(relocated, io.new_output(metadata_location), overwrite=True)


class _Copies:
    """The copies of one table's lists and manifests; each manifest and delete file is rewritten once."""

    def __init__(self, io: FileIO, metadata: TableMetadata, moved: Moved) -> None:
        self._io = io
        self._metadata = metadata
        self._moved = moved
        self._bytes: dict[str, int] = {}

    def relist(self, snapshot: Snapshot) -> None:
        """Rewrite the list of a snapshot and what it names."""
        place = self._moved(snapshot.manifest_list)
        listed = list(read_manifest_list(self._io.new_input(place)))
        for manifest in listed:
            source = manifest.manifest_path
            manifest[_MANIFEST_PATH] = self._moved(source)
            if source not in self._bytes:
                self._bytes[source] = self._rewritten(manifest)
            manifest[_MANIFEST_BYTES] = self._bytes[source]
        with write_manifest_list(
            format_version=self._metadata.format_version,
            output_file=self._io.new_output(place),
            snapshot_id=snapshot.snapshot_id,
            parent_snapshot_id=snapshot.parent_snapshot_id,
            sequence_number=snapshot.sequence_number,
            avro_compression=self._codec,
        ) as writer:
            writer.add_manifests(listed)

    def _rewritten(self, manifest: ManifestFile) -> int:
        """Rewrite a manifest, whose path is the copy's; returns its new bytes."""
        entries = manifest.fetch_manifest_entry(self._io, discard_deleted=False)
        for entry in entries:
            self._move(entry.data_file, live=entry.status != ManifestEntryStatus.DELETED)
        writer = self._writer(manifest)
        with writer:
            for entry in entries:
                writer.add_entry(entry)
        return writer.to_manifest_file().manifest_length

    def _writer(self, manifest: ManifestFile) -> ManifestWriter:
        output = self._io.new_output(manifest.manifest_path)
        spec, schema = self._metadata.specs()[manifest.partition_spec_id], self._metadata.schema()
        by = manifest.added_snapshot_id or 0
        if manifest.content == ManifestContent.DELETES:
            return DeletesWriter(spec, schema, output, by, self._codec)
        return write_manifest(self._metadata.format_version, spec, schema, output, by, self._codec)

    def _move(self, file: DataFile, *, live: bool) -> None:
        source = file.file_path
        file[_FIELDS["file_path"]] = self._moved(source)
        if file.content != DataFileContent.POSITION_DELETES:
            return
        for name in ("lower_bounds", "upper_bounds"):
            file[_FIELDS[name]] = self._bounds(file[_FIELDS[name]] or {}) or None
        if live:  # what a deleted entry names may be gone
            if source not in self._bytes:
                self._bytes[source] = self._positions(file.file_path)
            file[_FIELDS["file_size_in_bytes"]] = self._bytes[source]

    def _bounds(self, bounds: Mapping[int, bytes]) -> dict[int, bytes]:
        """Bounds with the one of paths moved: readers know by it that deletes are of one data file. One that was cut
        short, and so is no path that moves, goes: bounds are optional.
        """
        path = bounds.get(_PATH_ID, b"").decode(errors="replace")
        others = {field_id: bound for field_id, bound in bounds.items() if field_id != _PATH_ID}
        return others if self._moved(path) == path else {**others, _PATH_ID: self._moved(path).encode()}

    def _positions(self, place: str) -> int:
        """Rewrite the copy of a file of position deletes; returns its new bytes."""
        with self._io.new_input(place).open() as stream:
            rows = pq.read_table(cast(IO[bytes], stream))
        at = rows.schema.get_field_index(_PATH_COLUMN)
        paths = [self._moved(str(path)) for path in rows.column(at).to_pylist()]
        field = rows.schema.field(at)
        output = self._io.new_output(place)
        with output.create(overwrite=True) as written:
            pq.write_table(rows.set_column(at, field, pa.array(paths, field.type)), cast(IO[bytes], written))
        return len(output)

    @property
    def _codec(self) -> AvroCompressionCodec:
        return cast(AvroCompressionCodec, self._metadata.properties.get("write.avro.compression-codec", "gzip"))


def _renamed(value: Any, moved: Moved) -> Any:
    """A JSON value with every location in it moved."""
    if isinstance(value, dict):
        return {key: _renamed(inner, moved) for key, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(inner, moved) for inner in value]
    return moved(value) if isinstance(value, str) else value

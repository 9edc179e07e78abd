"""The file system that a table's files lie in, for listing and deleting: pyiceberg's FileIO can do neither."""

from pyarrow import fs
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.table import Table


def file_system(table: Table, location: str) -> tuple[fs.FileSystem, str]:
    """pyarrow's file system of a location, with the credentials that came with the table, and the path in it."""
    if not isinstance(table.io, PyArrowFileIO):
        raise TypeError(f"{type(table.io).__name__} cannot list files; the lake needs pyiceberg's PyArrowFileIO")
    scheme, netloc, path = table.io.parse_location(location, table.io.properties)
    return table.io.fs_by_scheme(scheme, netloc), path.rstrip("/")

"""Where rows lie in the archive: buckets of values, folders, names of objects. Pure.

`archive/{app}/{table}/{quarter}/{bucket}/part-{hash of its bytes}.jsonl.gz` and `…/manifest-{revision}.json`.
"""

import hashlib
import re
from functools import lru_cache
from urllib.parse import quote

import polars as pl

from assets.archive.quarters import Quarter

PREFIX = "archive"
MANIFEST = re.compile(r"manifest-(\d{6})\.json")
# Of the 255 bytes that a file's name has on the usual file systems.
LONGEST_BUCKET = 200
NOBODY = "%none"


def bucket_of(value: str | None, buckets: int | None) -> str:
    """The bucket of a value: the value itself, percent-encoded, or `user-NN` by its hash modulo `buckets`.

    Rows without a value share the bucket `%none`. A value too long for a name is `sha256-` and its hash. The hash is
    SHA-256 of the value's UTF-8, its first 8 bytes as a big-endian number.
    """
    if value is None:
        return NOBODY
    digest = hashlib.sha256(value.encode())
    if buckets is not None:
        return spread(buckets)[int.from_bytes(digest.digest()[:8]) % buckets]
    name = quote(value, safe="")
    if name.strip(".") == "":
        name = name.replace(".", "%2E") or "%"
    return name if len(name) <= LONGEST_BUCKET else f"sha256-{digest.hexdigest()}"


@lru_cache
def spread(buckets: int) -> tuple[str, ...]:
    """The buckets that values are spread over."""
    width = len(str(buckets - 1))
    return tuple(f"user-{number:0{width}}" for number in range(buckets))


def split(frame: pl.DataFrame, column: pl.Expr, buckets: int | None) -> dict[str, pl.DataFrame]:
    """Rows by bucket, in their order; `column` gives the value as text."""
    values = frame.select(column.alias("value")).to_series()
    distinct = values.unique()
    names = {value: bucket_of(value, buckets) for value in distinct}
    if len(set(names.values())) == 1:
        return {next(iter(names.values())): frame} if frame.height else {}
    parts = frame.with_columns(
        values.replace_strict(list(names), list(names.values()), return_dtype=pl.String).alias("\0bucket")
    ).partition_by("\0bucket", as_dict=True, include_key=False, maintain_order=True)
    return {str(name): part for (name,), part in parts.items()}


def quarter_folder(app: str, table: str, quarter: Quarter) -> str:
    return f"{PREFIX}/{app}/{table}/{quarter}"


def bucket_folder(app: str, table: str, quarter: Quarter, bucket: str) -> str:
    return f"{quarter_folder(app, table, quarter)}/{bucket}"


def part_name(sha256: str) -> str:
    """A part's name says what is in it, so that a second one of that name has the same bytes."""
    return f"part-{sha256[:40]}.jsonl.gz"


def manifest_name(revision: int) -> str:
    return f"manifest-{revision:06}.json"

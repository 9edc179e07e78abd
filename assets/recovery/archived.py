"""The events of one organisation and day as the sealed archive of their quarter holds them.

What does not belong here: whether they are all that is missing (rebuild.py).
"""

from dataclasses import dataclass

import polars as pl

from assets.apps import App
from assets.archive.damage import DamagedError
from assets.archive.layout import bucket_folder, bucket_of
from assets.archive.quarters import Quarter
from assets.archive.registry import ArchiveRegistry
from assets.archive.sealed import manifest_of, rows_within
from assets.archive.tables import archived
from assets.rows.columns import RowColumn
from assets.windows import day_window
from resources.lake import PartitionKey
from resources.postgres import Postgres
from resources.r2 import ObjectStore


@dataclass(frozen=True)
class ArchivedEvents:
    """Events as they were last archived, and the version of the files that they come from; or why there are none."""

    events: pl.DataFrame | None
    version: str | None = None
    why_not: str = ""


def sealed(
    app: App, store: ObjectStore, postgres: Postgres, key: PartitionKey, columns: tuple[RowColumn, ...]
) -> ArchivedEvents:
    """What is archived of a partition, in the given columns."""
    assert app.audience is not None, f"{app.name} collects no events"
    entry = archived(app, app.audience.table)
    assert entry.archive is not None, "it is archived"
    quarter, bucket = Quarter.of(key.day), bucket_of(key.tenant, entry.archive.buckets)
    revisions = {
        revision.bucket: revision for revision in ArchiveRegistry(postgres, app.name, entry.table).sealed(quarter)
    }
    if bucket not in revisions:
        return ArchivedEvents(None, why_not=f"{quarter} of it is not archived")
    folder, day = bucket_folder(app.name, entry.table, quarter, bucket), day_window(key.day)
    try:
        manifest = manifest_of(store, folder, revisions[bucket])
        found = list(rows_within(store, folder, manifest, columns, day))
    except DamagedError as error:
        return ArchivedEvents(None, why_not=f"its archive is damaged: {error}")
    frames = [rows for _, rows in sorted(found, key=lambda each: -each[0])]
    if not frames:
        return ArchivedEvents(None, why_not=f"no row of the day is in the archive of {quarter}")
    inside = (pl.col("org_tag") == key.tenant) & pl.col("timestamp").is_between(day.start, day.end, closed="left")
    rows = pl.concat(frames).filter(inside).unique(entry.key, keep="first", maintain_order=True)
    return ArchivedEvents(rows, revisions[bucket].slices.get(str(key.day)))

"""Whether the rows that a run deleted are archived: the log and the marks are compared with the registry of archives.

What belongs here: finding what is missing. What does not: reading archives whole (assets/archive/verify.py).
"""

from collections import defaultdict

from assets.apps import App
from assets.apps.lifecycle import Lifecycle
from assets.archive.layout import bucket_of
from assets.archive.quarters import Quarter
from assets.archive.registry import ArchiveRegistry
from resources.counts import counted
from resources.postgres import Postgres
from resources.sql_files import read_sql


def unproved(postgres: Postgres, app: App, entry: Lifecycle, run: str) -> list[str]:
    """Quarters of an archived table of which a run deleted more rows than their sealed archives hold, one line each.

    Of the lake also organisations with days that are archived only, of which the archive holds fewer rows.
    """
    registry = ArchiveRegistry(postgres, app.name, entry.table)
    parameters = {"app": app.name, "store": entry.store, "name": entry.name, "run": run}
    faults = []
    for row in postgres.fetch(read_sql("retention/deleted_by_run.sql"), parameters):
        archived = sum(revision.rows or 0 for revision in registry.sealed(Quarter.parse(row["place"])))
        if row["rows"] > archived:
            faults.append(f"{entry.name} {row['place']}: {counted(row['rows'], 'row')} went, {archived:,} are archived")
    return faults + (_marks(postgres, registry, app, entry) if entry.store == "lake" else [])


def _marks(postgres: Postgres, registry: ArchiveRegistry, app: App, entry: Lifecycle) -> list[str]:
    by_quarter: dict[str, dict[str, int]] = defaultdict(dict)
    for row in postgres.fetch(read_sql("retention/pruned_rows.sql"), {"app": app.name}):
        by_quarter[row["quarter"]][row["org_tag"]] = row["rows"]
    faults = []
    for quarter, orgs in by_quarter.items():
        archived = {revision.bucket: revision.rows or 0 for revision in registry.sealed(Quarter.parse(quarter))}
        for org, rows in orgs.items():
            if rows > archived.get(bucket_of(org, None), 0):
                faults.append(f"{entry.name} {quarter} of {org}: {counted(rows, 'row')} went, fewer are archived")
    return faults

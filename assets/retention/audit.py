"""Whether what a run deleted is where it was said to be: the ledger and the marks beside the registry of archives."""

from collections import defaultdict

from assets.apps import App
from assets.apps.lifecycle import Lifecycle
from assets.archive.layout import bucket_of
from assets.archive.quarters import Quarter
from assets.archive.registry import Registry
from resources.postgres import Postgres
from resources.sql_files import read_sql


def unproved(postgres: Postgres, app: App, entry: Lifecycle, run: str) -> list[str]:
    """Quarters of an archived table of which a run deleted more rows than their sealed archives hold, a line each; of
    the lake also organisations of which more days are archived only than their archive has rows for.
    """
    registry = Registry(postgres, app.name, entry.table)
    given = {"app": app.name, "store": entry.store, "name": entry.name, "run": run}
    found = []
    for row in postgres.fetch(read_sql("retention/deleted_by_run.sql"), given):
        held = sum(revision.rows or 0 for revision in registry.sealed(Quarter.parse(row["place"])))
        if row["rows"] > held:
            found.append(f"{entry.name} {row['place']}: {row['rows']:,} rows went, {held:,} are archived")
    return found + (_marks(postgres, registry, entry) if entry.store == "lake" else [])


def _marks(postgres: Postgres, registry: Registry, entry: Lifecycle) -> list[str]:
    by_quarter: dict[str, dict[str, int]] = defaultdict(dict)
    for row in postgres.fetch(read_sql("retention/pruned_rows.sql")):
        by_quarter[row["quarter"]][row["org_tag"]] = row["rows"]
    found = []
    for quarter, orgs in by_quarter.items():
        held = {revision.bucket: revision.rows or 0 for revision in registry.sealed(Quarter.parse(quarter))}
        for org, rows in orgs.items():
            if rows > held.get(bucket_of(org, None), 0):
                found.append(f"{entry.name} {quarter} of {org}: {rows:,} rows went, fewer are archived")
    return found

"""What the stores of a test hold at a moment: to compare it, and to return to it within milliseconds. No fixtures."""

import hashlib
import shutil
from pathlib import Path

from tests.assets.archive.archive_stores import ArchiveStores
from tests.tables import EVENTS

# What archives and restores change in Postgres: the registry, the lake's catalog, a live table and that aside.
TABLES = ("archive.revisions", "public.iceberg_tables", "ads.restatements")
SIDE = "restored.ads_restatements"
# Columns that tell two runs of the same work apart, and change nothing for the next one.
DIFFERENT = ["snapshot", "manifest_sha256", "metadata_location", "previous_metadata_location"]


class Checkpoint:
    """The stores as they are now; `rewind` brings this state back, any number of times.

    Files that the lake has written since stay behind, and nothing names them.
    """

    def __init__(self, archive_stores: ArchiveStores) -> None:
        self._vault = archive_stores
        self._saved = archive_stores.folder.parent / "saved"
        shutil.rmtree(self._saved, ignore_errors=True)
        for place in self._places():
            _copy(place, self._saved / place.name)
        saving = [f"create table saved.{_plain(t)} as table {t}" for t in TABLES]
        archive_stores.postgres.execute(
            "; ".join(["drop schema if exists saved cascade", "create schema saved", *saving])
        )

    def rewind(self) -> None:
        for place in self._places():
            _copy(self._saved / place.name, place)
        filling = [f"truncate {t}; insert into {t} overriding system value table saved.{_plain(t)}" for t in TABLES]
        self._vault.postgres.execute("; ".join([f"drop table if exists {SIDE}", *filling]))

    def state(self) -> str:
        """What a run would find in the stores, in brief: equal where it would find the same."""
        postgres, found = self._vault.postgres, hashlib.sha256()
        there = postgres.fetch("select to_regclass(%s) is not null as side", (SIDE,))[0]["side"]
        for name in (*TABLES, *([SIDE] if there else [])):
            lines = f"select (to_jsonb(t) - %s::text[])::text as line from {name} t order by 1"
            found.update(f"{name} {postgres.fetch(lines, (DIFFERENT,))}".encode())
        for table in self._vault.lake.catalog.list_tables(EVENTS.namespace):
            snapshots = self._vault.lake.catalog.load_table(table).metadata.snapshots
            found.update(f"{table} {len(snapshots)}".encode())
        objects, database = self._places()
        found.update(database.read_bytes())
        # Parts are named by what is in them.
        for path in sorted(p for p in objects.rglob("*") if p.is_file()):
            found.update(f"{path} {path.stat().st_size}".encode())
        return found.hexdigest()

    def _places(self) -> list[Path]:
        """The archive's objects and Sesh's database, whose write-ahead log is gone once it is closed."""
        self._vault.d1["sesh"].close()
        return [self._vault.folder / "archive", self._vault.folder / "sesh.sqlite"]


def _copy(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def _plain(table: str) -> str:
    return table.replace(".", "_")

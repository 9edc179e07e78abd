"""The registry of archives in Postgres: which revisions of which buckets exist, and how far each is proved."""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields
from datetime import datetime

from assets.archive.manifest import BucketManifest
from assets.archive.quarters import Quarter
from resources.postgres import Connection, Postgres
from resources.sql_files import read_sql


@dataclass(frozen=True)
class Revision:
    """A revision as the registry has it; bytes, checksum and manifest are None while it is being written."""

    quarter: Quarter
    bucket: str
    number: int
    state: str
    started_at: datetime
    sealed_at: datetime | None
    rows: int | None
    rows_added: int | None
    packed_bytes: int | None
    line_bytes: int | None
    parts: int | None
    checksum: str | None
    manifest_sha256: str | None
    snapshot: str | None
    slices: Mapping[str, str]


class ArchiveRegistry:
    """The registry's rows of one table of one application."""

    def __init__(self, postgres: Postgres, app: str, table: str) -> None:
        self._postgres = postgres
        self._names = {"app": app, "table": table}

    def lock(self, quarter: Quarter, wait_seconds: float | None = None) -> AbstractContextManager[Connection]:
        """The lock under which a quarter is written, restored or pruned. Another process waits."""
        name = f"{self._names['app']}.archive.{self._names['table']}.{quarter}"
        return self._postgres.lock(name, wait_seconds)

    def sealed(self, quarter: Quarter | None = None) -> list[Revision]:
        """The newest sealed revision of each bucket, of one quarter or all."""
        return self._revisions("archive/sealed.sql", quarter)

    def older(self, quarter: Quarter) -> dict[str, int]:
        """How many sealed revisions each bucket of a quarter has before its newest; without those that have none."""
        rows = self._postgres.fetch(read_sql("archive/older.sql"), {**self._names, "quarter": str(quarter)})
        return {row["bucket"]: row["older"] for row in rows}

    def quarters(self) -> list[Quarter]:
        """The quarters of which something is sealed."""
        return sorted({revision.quarter for revision in self.sealed()})

    def unsettled(self, quarter: Quarter | None = None) -> list[Revision]:
        """Revisions that are not sealed: a run writes them, or was killed while it did."""
        return self._revisions("archive/unsettled.sql", quarter)

    def begin(self, quarter: Quarter, bucket: str, revision: int, at: datetime, snapshot: str, code: str) -> None:
        """A revision is about to be written.

        Raises:
            RuntimeError: it was already verified or sealed: another process writes it.
        """
        about = {"revision": revision, "at": at, "snapshot": snapshot, "code_version": code}
        if not self._postgres.fetch(read_sql("archive/begin_revision.sql"), self._of(quarter, bucket) | about):
            raise RuntimeError(f"{quarter} {bucket}: revision {revision} is no longer being written")

    def verified(self, quarter: Quarter, manifest: BucketManifest, manifest_sha256: str) -> None:
        """Every part of the revision was read back and holds the source's rows."""
        added = sum(p.rows for p in manifest.parts if p.revision == manifest.revision)
        self._change(
            "archive/verify_revision.sql",
            quarter,
            manifest.bucket,
            revision=manifest.revision,
            rows=manifest.rows,
            rows_added=added,
            packed_bytes=manifest.packed_bytes,
            line_bytes=manifest.line_bytes,
            parts=len(manifest.parts),
            checksum=manifest.checksum,
            manifest_sha256=manifest_sha256,
            slices=json.dumps(manifest.slices),
        )

    def seal(self, quarter: Quarter, bucket: str, revision: int, manifest_sha256: str, at: datetime) -> None:
        """The manifest was read back too."""
        about = {"revision": revision, "manifest_sha256": manifest_sha256, "at": at}
        self._change("archive/seal_revision.sql", quarter, bucket, **about)

    def forget(self, quarter: Quarter, bucket: str, revision: int) -> None:
        """A revision that a killed run left is to be written again."""
        self._change("archive/forget_revision.sql", quarter, bucket, revision=revision)

    def forget_older(self, quarter: Quarter, bucket: str) -> None:
        """Forget the sealed revisions of a bucket before the newest."""
        self._postgres.execute(read_sql("archive/forget_older.sql"), self._of(quarter, bucket))

    def forget_bucket(self, quarter: Quarter, bucket: str) -> int:
        """Forget all revisions of a bucket; returns how many rows the newest sealed one held."""
        rows = self._postgres.fetch(read_sql("archive/forget_bucket.sql"), self._of(quarter, bucket))
        return max(rows, key=lambda row: int(row["revision"]))["rows"] or 0 if rows else 0

    def note(self, quarter: Quarter, bucket: str, revision: int, slices: Mapping[str, str]) -> None:
        """The source of a sealed revision now says this of its slices, and holds nothing that is not archived."""
        self._change("archive/note_slices.sql", quarter, bucket, revision=revision, slices=json.dumps(slices))

    def _of(self, quarter: Quarter, bucket: str) -> dict[str, object]:
        return {**self._names, "quarter": str(quarter), "bucket": bucket}

    def _change(self, statement: str, quarter: Quarter, bucket: str, **about: object) -> None:
        changed = self._postgres.execute(read_sql(statement), self._of(quarter, bucket) | about)
        if changed != 1:
            raise RuntimeError(f"{quarter} {bucket}: the registry holds no such revision in the state that was left")

    def _revisions(self, statement: str, quarter: Quarter | None) -> list[Revision]:
        rows = self._postgres.fetch(read_sql(statement), {**self._names, "quarter": quarter and str(quarter)})
        return [
            Revision(
                **{name: row[name] for name in _SAME_NAMES},
                quarter=Quarter.parse(row["quarter"]),
                number=row["revision"],
            )
            for row in rows
        ]


_SAME_NAMES = {field.name for field in fields(Revision)} - {"quarter", "number"}

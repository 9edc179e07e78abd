"""The history of syncs: runs, slices and how far each stream has come, as Postgres remembers them.

What belongs here: what is written outside of a merge's transaction. What does not: the merge (merge.py), and what the
application reads of a sync in D1 (connections.py).
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from assets.ads.connections import Connection
from assets.ads.plan import Mode
from assets.ads.staging import Manifest
from resources.ad_platforms import AccountDays, Notes, RemoteJob, Stream
from resources.postgres import Postgres
from resources.sql_files import read_sql

# Platforms keep a finished report for a day or longer.
OLDEST_JOB = timedelta(hours=12)


@dataclass(frozen=True)
class Resumed:
    """A platform's job that a killed run left behind: its id, when it was asked for, how often it was attempted."""

    job_id: str
    observed_at: datetime
    attempts: int


class Job(RemoteJob):
    """A platform's job whose id is stored before it is waited for."""

    def __init__(self, postgres: Postgres, slice_id: str, job_id: str | None) -> None:
        super().__init__(job_id)
        self._postgres = postgres
        self._slice_id = slice_id

    def started(self, job_id: str) -> None:
        super().started(job_id)
        self._postgres.execute("update ads.sync_slices set remote_job_id = %s where id = %s", (job_id, self._slice_id))


@dataclass
class History:
    """Writes and reads of the history."""

    postgres: Postgres
    clock: Callable[[], datetime]

    def start(self, run_id: str, connection: Connection, mode: Mode) -> None:
        """A run of a connection begins."""
        self.postgres.execute(
            read_sql("ads/start_run.sql"),
            {
                "run_id": run_id,
                "connection_id": connection.id,
                "org_id": connection.org_id,
                "platform": connection.platform,
                "account_id": connection.account_id,
                "mode": mode.value,
                "now": self.clock(),
            },
        )

    def end(self, run_id: str, code: str | None, error: str | None, notes: Notes) -> None:
        """A run has ended: well where `error` is None."""
        values = {
            "run_id": run_id,
            "status": "success" if error is None else "error",
            "error_code": code,
            "error": error,
            "notes": json.dumps(dict(notes.most_common(100))),
            "now": self.clock(),
        }
        self.postgres.execute(read_sql("ads/end_run.sql"), values)

    def resume(self, connection: Connection, stream: Stream, days: AccountDays) -> Resumed | None:
        """Take over the platform's job that an earlier run left behind for the same days of the same stream."""
        found = self.postgres.fetch(
            read_sql("ads/resume_slice.sql"),
            {
                "connection_id": connection.id,
                "stream": stream.value,
                "since": days.since,
                "until": days.until,
                "oldest": self.clock() - OLDEST_JOB,
                "now": self.clock(),
            },
        )
        return Resumed(**_renamed(found[0])) if found else None

    def open(self, manifest: Manifest, job_id: str | None, attempts: int) -> Job:
        """A slice is about to be asked for."""
        self.postgres.execute(
            read_sql("ads/open_slice.sql"),
            {**_of_slice(manifest), "remote_job_id": job_id, "attempts": attempts},
        )
        return Job(self.postgres, manifest.slice_id, job_id)

    def staged(self, manifest: Manifest) -> None:
        """All pages of a slice lie in R2."""
        self.postgres.execute("update ads.sync_slices set state = 'staged' where id = %s", (manifest.slice_id,))

    def failed(self, manifest: Manifest, code: str, error: str) -> None:
        """A slice could not be asked for or merged; its pages stay where they are."""
        values = {"slice_id": manifest.slice_id, "error_code": code, "error": error, "now": self.clock()}
        self.postgres.execute(read_sql("ads/fail_slice.sql"), values)

    def adopt(self, manifest: Manifest) -> None:
        """Make sure of the run and slice of a staged manifest, which may be of another database."""
        values = _of_slice(manifest)
        self.postgres.execute(
            "insert into ads.sync_runs (id, connection_id, org_id, platform, account_id, mode, started_at, status)"
            " values (%(run_id)s, %(connection_id)s, %(org_id)s, %(platform)s, %(account_id)s, 'replay',"
            " %(observed_at)s, 'success') on conflict (id) do nothing",
            values,
        )
        self.postgres.execute(
            f"{read_sql('ads/open_slice.sql')} on conflict (id) do nothing",
            {**values, "remote_job_id": None, "attempts": 1},
        )

    def synced_through(self, connection: Connection) -> dict[Stream, date]:
        """How far each stream of days has come."""
        rows = self.postgres.fetch(
            "select stream, synced_through from ads.sync_state where connection_id = %s and synced_through is not null",
            (connection.id,),
        )
        return {Stream(row["stream"]): row["synced_through"] for row in rows}


def _renamed(row: dict[str, Any]) -> dict[str, Any]:
    return {"job_id": row["remote_job_id"], "observed_at": row["observed_at"], "attempts": row["attempts"]}


def _of_slice(manifest: Manifest) -> dict[str, Any]:
    return {
        "slice_id": manifest.slice_id,
        "run_id": manifest.run_id,
        "connection_id": manifest.connection_id,
        "org_id": manifest.org_id,
        "platform": manifest.platform,
        "account_id": manifest.account_id,
        "stream": manifest.stream.value,
        "since": manifest.since,
        "until": manifest.until,
        "observed_at": manifest.observed_at,
        "raw_prefix": manifest.prefix,
    }

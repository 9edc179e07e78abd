"""The history of syncs in Postgres: runs, slices, and how far each stream was synced.

What belongs here: what is written outside a merge's transaction. What does not: the merge (merge.py), and what the
application reads of a sync in D1 (connections.py).
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from assets.ads.connections import AdConnection
from assets.ads.plan import SyncMode
from assets.ads.staging import SliceManifest
from assets.apps import App
from resources.ad_platforms import Notes, RemoteJob, Stream
from resources.postgres import Postgres
from resources.sql_files import read_sql

# After that time a longer range is tried again: what was too large may have been a passing weakness of the platform.
NARROW_FOR = timedelta(days=30)
# Platforms keep a finished report for a day or longer.
OLDEST_JOB = timedelta(hours=12)


@dataclass(frozen=True)
class Resumed:
    """A platform's job that a killed run left behind: its id, when it was requested, how often it was attempted."""

    job_id: str
    observed_at: datetime
    attempts: int


class RecordedJob(RemoteJob):
    """A platform's job whose id is stored before anyone waits for the job, as is the range that worked."""

    def __init__(self, history: "History", manifest: SliceManifest, job_id: str | None, days: int | None) -> None:
        super().__init__(job_id, days)
        self._history = history
        self._manifest = manifest

    def started(self, job_id: str) -> None:
        """The platform has given the job an id."""
        super().started(job_id)
        self._history.started(self._manifest, job_id)

    def narrowed(self, days: int) -> None:
        """The platform refused more days than these."""
        super().narrowed(days)
        self._history.narrow(self._manifest, days)


@dataclass(frozen=True)
class History:
    """Writes and reads of the history of one app. origin: the address in front of the platform's hosts, if any."""

    app: App
    postgres: Postgres
    clock: Callable[[], datetime]
    origin: str = ""

    def start(self, run_id: str, connection: AdConnection, mode: SyncMode) -> None:
        """A run of a connection begins; earlier ones that still count as running are settled."""
        self.postgres.execute(
            read_sql("ads/settle_runs.sql"),
            {"app": self.app.name, "connection_id": connection.id, "now": self.clock()},
        )
        self.postgres.execute(
            read_sql("ads/start_run.sql"),
            {
                "app": self.app.name,
                "run_id": run_id,
                "connection_id": connection.id,
                "org_id": connection.org_id,
                "platform": connection.platform,
                "account_id": connection.account_id,
                "mode": mode.value,
                "started_at": self.clock(),
                "status": "running",
            },
        )

    def end(self, run_id: str, code: str | None, error: str | None, notes: Notes, requests: int) -> None:
        """A run has ended: successfully where `error` is None. requests: how many it sent."""
        values = {
            "app": self.app.name,
            "run_id": run_id,
            "status": "success" if error is None else "error",
            "error_code": code,
            "error": error,
            "notes": json.dumps(dict(notes.most_common(100))),
            "requests": requests,
            "now": self.clock(),
        }
        self.postgres.execute(read_sql("ads/end_run.sql"), values)

    def resume(self, manifest: SliceManifest) -> Resumed | None:
        """Take over the platform's job that an earlier run left behind for the same days and the same question."""
        values = {
            **manifest.parameters(self.app),
            "question": self._question(manifest),
            "oldest": self.clock() - OLDEST_JOB,
            "now": self.clock(),
        }
        rows = self.postgres.fetch(read_sql("ads/resume_slice.sql"), values)
        return Resumed(**rows[0]) if rows else None

    def open(self, manifest: SliceManifest, raw_prefix: str, resumed: Resumed | None = None) -> RecordedJob:
        """A slice is about to be requested; its pages will lie below `raw_prefix`."""
        job_id = resumed.job_id if resumed else None
        self.postgres.execute(
            read_sql("ads/open_slice.sql"),
            {
                **manifest.parameters(self.app),
                "raw_prefix": raw_prefix,
                "remote_job_id": f"{self._question(manifest)} {job_id}" if job_id else None,
                "attempts": resumed.attempts + 1 if resumed else 1,
            },
        )
        return RecordedJob(self, manifest, job_id, self._longest_days(manifest) if manifest.days else None)

    def started(self, manifest: SliceManifest, job_id: str) -> None:
        """The platform has given the job of a slice an id."""
        self.update_slice(manifest.slice_id, "remote_job_id", f"{self._question(manifest)} {job_id}")

    def staged(self, manifest: SliceManifest) -> None:
        """All pages of a slice lie in R2."""
        self.update_slice(manifest.slice_id, "state", "staged")

    def failed(self, manifest: SliceManifest, code: str, error: str) -> None:
        """A slice could not be requested or merged; its pages stay in R2."""
        values = {
            "app": self.app.name,
            "slice_id": manifest.slice_id,
            "error_code": code,
            "error": error,
            "now": self.clock(),
        }
        self.postgres.execute(read_sql("ads/fail_slice.sql"), values)

    def adopt(self, manifest: SliceManifest, raw_prefix: str) -> None:
        """Record the run and the slice of staged pages where they are missing: another database may have made them."""
        run = {"mode": "replay", "started_at": manifest.observed_at, "status": "success"}
        self.postgres.execute(read_sql("ads/start_run.sql"), {**manifest.parameters(self.app), **run})
        self.open(manifest, raw_prefix)

    def synced_through(self, connection: AdConnection) -> dict[Stream, date]:
        """The day up to which each daily stream of the connection's account is complete."""
        rows = self.postgres.fetch(
            "select stream, synced_through from ads.sync_state"
            " where app = %s and connection_id = %s and account_id = %s and synced_through is not null",
            (self.app.name, connection.id, connection.account_id),
        )
        return {Stream(row["stream"]): row["synced_through"] for row in rows}

    def listed_at(self, connection: AdConnection) -> dict[Stream, datetime]:
        """When each list of entities was requested last."""
        rows = self.postgres.fetch(
            "select stream, observed_at from ads.sync_state"
            " where app = %s and connection_id = %s and account_id = %s and synced_through is null",
            (self.app.name, connection.id, connection.account_id),
        )
        return {Stream(row["stream"]): row["observed_at"] for row in rows}

    def narrow(self, manifest: SliceManifest, days: int) -> None:
        """Remember the longest range of days that the platform answers for an account and stream."""
        self.postgres.execute(
            read_sql("ads/narrow.sql"), {**manifest.parameters(self.app), "days": days, "now": self.clock()}
        )

    def unseen_actions(self, connection: AdConnection, actions: Sequence[str]) -> list[str]:
        """Those of the named actions that no stored conversion of the connection's account has."""
        rows = self.postgres.fetch(
            read_sql("ads/unseen_actions.sql"),
            {
                "app": self.app.name,
                "org_id": connection.org_id,
                "platform": connection.platform,
                "account_id": connection.account_id,
                "actions": list(actions),
            },
        )
        return [row["action"] for row in rows]

    def _question(self, manifest: SliceManifest) -> str:
        """What a job was asked beside its stream and days, as one word. An id that another address gave, or that was
        given for another account or other settings, is the id of another report here."""
        asked = (self.origin, manifest.account_id, manifest.attribution, manifest.time_zone)
        return hashlib.sha256("\n".join(asked).encode()).hexdigest()[:16]

    def _longest_days(self, manifest: SliceManifest) -> int | None:
        rows = self.postgres.fetch(
            "select longest_days from ads.sync_ranges"
            " where app = %s and connection_id = %s and stream = %s and found_at > %s",
            (self.app.name, manifest.connection_id, manifest.stream.value, self.clock() - NARROW_FOR),
        )
        return rows[0]["longest_days"] if rows else None

    def update_slice(self, slice_id: str, column: str, value: str) -> None:
        """Set one column of a slice."""
        self.postgres.execute(
            f"update ads.sync_slices set {column} = %s where id = %s and app = %s", (value, slice_id, self.app.name)
        )

"""Synchronising connections: each asked slice by slice, its pages staged, then merged.

A slice is staged whole before anything of it is merged, so that no transaction waits for a platform and a merge can be
run again from R2. A connection's failure is its own: it is reported, and the others go on.
"""

import logging
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime
from threading import Lock
from typing import Any

from assets.ads import connections, plan, staging
from assets.ads.connections import Connection, Opened
from assets.ads.history import History, Job
from assets.ads.merge import Merge, Merged
from assets.ads.plan import Asked
from assets.ads.staging import Manifest
from assets.progress import Progress, silent
from resources.ad_platforms import (
    DAILY,
    Access,
    AccountDays,
    Client,
    MalformedPageError,
    Notes,
    Platform,
    PlatformError,
    Stream,
)
from resources.d1 import D1
from resources.http import HttpError
from resources.keyring import Keyring
from resources.pacing import Pacing
from resources.postgres import Postgres
from resources.r2 import ObjectStore
from resources.redaction import redact

log = logging.getLogger(__name__)

# Below the four connections that a Postgres client has: a merge holds one of them.
PARALLEL = 3
ATTEMPTS = 2


@dataclass
class Outcome:
    """What became of one connection: `error` is None where all went well."""

    connection: Connection
    run_id: str
    error: str | None = None
    code: str | None = None
    slices: int = 0
    failed: list[str] = field(default_factory=list)
    rows: Counter[str] = field(default_factory=Counter)
    notes: Notes = field(default_factory=Notes)

    def add(self, stream: Stream, merged: Merged) -> None:
        """Count what a slice did."""
        self.slices += 1
        self.notes += merged.notes
        self.rows[stream.value] += merged.rows
        for what in ("inserted", "updated", "deleted", "restated", "unlisted"):
            self.rows[what] += getattr(merged, what)


@dataclass
class AdSync:
    """The engine of one platform over its stores. `app`: the registered application's ids and secrets by platform."""

    platform: Platform
    d1: D1
    postgres: Postgres
    store: ObjectStore
    keyring: Keyring
    clock: Callable[[], datetime]
    app: Mapping[str, str] = field(default_factory=dict, repr=False)
    origin: str = ""
    parallel: int = PARALLEL
    progress: Progress = silent
    access: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Further arguments of a client's Access: patience, sleep and monotonic of a test."""

    def __post_init__(self) -> None:
        sleep = {"sleep": self.access["sleep"]} if "sleep" in self.access else {}
        self._pacing = Pacing(self.platform.account_rate, {"app": self.platform.app_rate}, **sleep)
        self._history = History(self.postgres, self.clock)
        self._merge = Merge(self.platform, self.postgres, self.store, self.clock)
        self._counting = Lock()
        self._done = self._total = 0

    def run(self, asked: Asked, *, connection: str | None = None, tiers: Collection[str] = ()) -> Iterator[Outcome]:
        """Sync the platform's active connections (of these tiers, or one by its id), a few at once; their outcomes."""
        with ThreadPoolExecutor(self.parallel, thread_name_prefix=f"ads-{self.platform.name}") as pool:
            # A page of connections at a time: thousands of them are never held at once.
            for page in connections.active(self.d1, self.platform.name, connection=connection, tiers=tiers):
                yield from pool.map(lambda c: self.sync(c, asked), page)

    def sync(self, connection: Connection, asked: Asked) -> Outcome:
        """Sync one connection. Whatever fails is in the outcome, in the history and in D1."""
        outcome = Outcome(connection, str(uuid.uuid4()))
        try:
            connections.report(self.d1, connection, "syncing")
            self._history.start(outcome.run_id, connection, asked.mode)
            self._sync(connection, asked, outcome)
        except Exception as error:  # noqa: BLE001 (a connection's failure is its own, whatever it is)
            _fail(outcome, error)
        self._tell(outcome)
        return outcome

    def _sync(self, connection: Connection, asked: Asked, outcome: Outcome) -> None:
        opened = connections.opened(connection, self.keyring)
        if not connections.is_sealed(connection):
            connections.keep(self.d1, self.keyring, connection, opened, opened.oauth)
        client = self.platform.open(self._access(connection, opened))
        try:
            account = self._slice(client, self._manifest(connection, opened, outcome, Stream.ACCOUNT), outcome)
            if account is None or account.account is None:
                return
            place = {"currency": account.account.currency, "time_zone": account.account.time_zone}
            wanted = list(self._wanted(connection, opened, asked, place["time_zone"]))
            self._count(total=len(wanted))
            stopped: set[Stream] = set()
            for stream, days in wanted:
                if stream not in stopped:
                    manifest = self._manifest(connection, opened, outcome, stream, days, **place)
                    # After a failure nothing later of the stream is merged: its cursor would pass a gap.
                    if self._slice(client, manifest, outcome) is None:
                        stopped.add(stream)
                self._count(done=1)
        finally:
            client.close()

    def _wanted(
        self, connection: Connection, opened: Opened, asked: Asked, time_zone: str
    ) -> Iterator[tuple[Stream, AccountDays | None]]:
        today = plan.local_day(self.clock(), time_zone)
        synced_through: Mapping[Stream, date] = self._history.synced_through(connection)
        for stream in map(Stream, plan.streams(opened.sync, self.platform.streams)):
            if stream not in DAILY:
                yield stream, None
                continue
            days = plan.window(asked, today, opened.sync, synced_through.get(stream))
            for part in plan.slices(days, self.platform.longest_days) if days else ():
                yield stream, AccountDays(*part)

    def _slice(self, client: Client, manifest: Manifest, outcome: Outcome) -> Merged | None:
        """Ask for a slice, stage it and merge it; None where it failed and others may still go well."""
        resumed = self._history.resume(outcome.connection, manifest.stream, manifest.days) if manifest.days else None
        if resumed is not None:
            manifest.observed_at = resumed.observed_at
        job = self._history.open(manifest, resumed.job_id if resumed else None, resumed.attempts + 1 if resumed else 1)
        try:
            self._stage(client, manifest, job)
            merged = self._merge.run(manifest)
        except (MalformedPageError, PlatformError) as error:
            code, text = words(error)
            self._history.failed(manifest, code, text)
            _fail(outcome, error)
            outcome.failed.append(manifest.stream.value)
            return None
        except Exception as error:
            code, text = words(error)
            self._history.failed(manifest, code, text)
            raise
        outcome.add(manifest.stream, merged)
        return merged

    def _stage(self, client: Client, manifest: Manifest, job: Job) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            manifest.pages.clear()
            try:
                for page in client.pages(manifest.stream, manifest.days, job):
                    staging.keep(self.store, manifest, page)
                break
            except PlatformError as error:
                if not error.again or attempt == ATTEMPTS:
                    raise
                job.id = None
                log.warning("%s %s: %s; asked again", self.platform.name, manifest.stream.value, error)
        staging.finish(self.store, manifest)
        self._history.staged(manifest)

    def replay(self, connection_id: str) -> Merged:
        """Merge all staged slices of a connection again, without the platform; later observations win as ever."""
        merge = Merge(self.platform, self.postgres, self.store, self.clock, ledger=False)
        total = Merged()
        found = staging.manifests(self.store, self.platform.name, connection_id)
        for done, manifest in enumerate(found):
            self.progress(done, len(found))
            self._history.adopt(manifest)
            merged = merge.run(manifest)
            for what in ("pages", "rows", "inserted", "updated", "deleted"):
                setattr(total, what, getattr(total, what) + getattr(merged, what))
        self.progress(len(found), len(found))
        return total

    def client(self, connection: Connection) -> Client:
        """A client of a connection, for asking its platform outside of a sync; close it."""
        return self.platform.open(self._access(connection, connections.opened(connection, self.keyring)))

    def _access(self, connection: Connection, opened: Opened) -> Access:
        def keep(oauth: Mapping[str, Any]) -> None:
            connections.keep(self.d1, self.keyring, connection, opened, oauth)

        return Access(
            connection.account_id,
            opened.oauth,
            {**self.app, **opened.app},
            keep,
            self._pacing,
            self.clock,
            self.origin,
            _windows(opened),
            **self.access,
        )

    def _manifest(
        self,
        connection: Connection,
        opened: Opened,
        outcome: Outcome,
        stream: Stream,
        days: AccountDays | None = None,
        currency: str = "",
        time_zone: str = "",
    ) -> Manifest:
        return Manifest(
            slice_id=str(uuid.uuid4()),
            run_id=outcome.run_id,
            connection_id=connection.id,
            org_id=connection.org_id,
            platform=connection.platform,
            account_id=connection.account_id,
            stream=stream,
            observed_at=self.clock(),
            attribution=self.platform.attribution(_windows(opened)),
            since=days.since if days else None,
            until=days.until if days else None,
            currency=currency,
            time_zone=time_zone,
        )

    def _tell(self, outcome: Outcome) -> None:
        connection = outcome.connection
        try:
            self._history.end(outcome.run_id, outcome.code, outcome.error, outcome.notes)
            status, at = ("success", self.clock()) if outcome.error is None else ("error", None)
            connections.report(self.d1, connection, status, error=outcome.error, at=at)
        except Exception as error:  # noqa: BLE001 (the outcome is told to the caller all the same)
            _fail(outcome, error)

    def _count(self, *, total: int = 0, done: int = 0) -> None:
        with self._counting:
            self._total += total
            self._done += done
            self.progress(self._done, self._total)


def _windows(opened: Opened) -> dict[str, str]:
    return {"click_window": str(opened.sync.click_window), "view_window": str(opened.sync.view_window)}


def _fail(outcome: Outcome, error: Exception) -> None:
    """The first failure is the connection's; later ones often follow from it."""
    if outcome.error is None:
        outcome.code, outcome.error = words(error)


def words(error: Exception) -> tuple[str, str]:
    """A code and one redacted line for a failure."""
    if isinstance(error, HttpError):
        # Redacted where it was raised; again, its path would be taken for a token.
        return error.code or (f"http_{error.status}" if error.status else "no_answer"), str(error)
    if isinstance(error, PlatformError):
        return error.code, redact(str(error))
    if isinstance(error, MalformedPageError):
        return "malformed_page", redact(str(error))
    return type(error).__name__, redact(f"{type(error).__name__}: {error}")

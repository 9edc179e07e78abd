"""Synchronising connections: each is requested slice by slice, and a slice's pages are staged, then merged.

A slice is staged completely before anything of it is merged, so that no transaction waits for a platform and a merge
can run again from R2. A connection's failure concerns that connection only: it is reported, and the others continue.
What does not belong here: which days and streams there are (plan.py), and what a merge writes (merge.py).
"""

import logging
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from threading import Lock
from typing import Any, Self
from urllib.parse import urlsplit

from assets.ads import plan
from assets.ads.connections import AdConnection, Connections, ConnectionSettings, is_sealed
from assets.ads.entities import ENTITIES
from assets.ads.failure import SyncFailure, describe
from assets.ads.history import History, RecordedJob
from assets.ads.merge import Merge
from assets.ads.plan import SyncRequest
from assets.ads.slices import MergeResult
from assets.ads.staging import SliceManifest, Staging
from assets.apps import AdAccounts, App
from assets.progress import Progress, silent
from assets.rooms import Rooms
from resources.ad_platforms import (
    Access,
    Account,
    AccountDays,
    Client,
    MalformedPageError,
    Notes,
    OtherAccountError,
    Platform,
    PlatformError,
    Stream,
)
from resources.d1 import D1
from resources.http import HttpError
from resources.keyring import Keyring
from resources.pacing import Pacing
from resources.postgres import Postgres
from resources.postgres.pacing import SharedBucket
from resources.r2 import ObjectStore

log = logging.getLogger(__name__)

# Below the four connections that a Postgres client has: a merge holds one of them.
PARALLEL = 3
ATTEMPTS = 2
# What a platform says, as an answer or by what it sends: it concerns the stream that met it.
REFUSALS = (HttpError, MalformedPageError, PlatformError)
SUMMED = ("pages", "rows", "inserted", "updated", "deleted")


def accounts_of(app: App) -> AdAccounts:
    """The ad accounts of an app that has some; raises ValueError for another."""
    if app.ad_accounts is None:
        raise ValueError(f"{app.name} has no ad accounts")
    return app.ad_accounts


@dataclass
class SyncResult:
    """How the sync of one connection went: `failure` is None where it succeeded.

    failed: the streams that failed. merged: those of which a slice was merged. requests: how many were sent.
    ineffective: settings of the connection that change nothing, or name what never came, each as a sentence.
    """

    connection: AdConnection
    run_id: str
    failure: SyncFailure | None = None
    slices: int = 0
    failed: list[str] = field(default_factory=list)
    merged: set[Stream] = field(default_factory=set)
    requests: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    notes: Notes = field(default_factory=Notes)
    ineffective: list[str] = field(default_factory=list)

    def add(self, stream: Stream, merged: MergeResult) -> None:
        """Count what the merge of a slice did."""
        self.slices += 1
        self.merged.add(stream)
        self.notes += merged.notes
        self.rows[stream.value] += merged.rows
        for name in ("inserted", "updated", "deleted", "restated", "unlisted", "doubtful"):
            self.rows[name] += getattr(merged, name)

    @property
    def stored(self) -> bool:
        """Whether it brought anything but the account itself."""
        return bool(self.merged - {Stream.ACCOUNT})

    @property
    def error(self) -> str | None:
        """Why it failed, and what to do next, as one line."""
        return None if self.failure is None else str(self.failure)

    @property
    def code(self) -> str | None:
        """The code of the failure."""
        return None if self.failure is None else self.failure.code

    def fail(self, failure: SyncFailure, stream: Stream | None = None) -> None:
        """Record a failure, of the whole connection or of one stream; the first one is reported."""
        if stream is not None:
            self.failed.append(stream.value)
            failure = replace(failure, why=f"{stream.value}: {failure.why}")
        self.failure = self.failure or failure


@dataclass
class AdSync:
    """The engine of one app and platform.

    application: ids and secrets of our registered application at the platform. origin: put in front of the platform's
    hosts. access: further arguments of a client's Access; a test sets patience, sleep and monotonic.
    """

    app: App
    platform: Platform
    d1: D1
    postgres: Postgres
    store: ObjectStore
    keyring: Keyring
    clock: Callable[[], datetime]
    application: Mapping[str, str] = field(default_factory=dict, repr=False)
    origin: str = ""
    parallel: int = PARALLEL
    progress: Progress = silent
    access: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, rooms: Rooms, app: App, platform: Platform, *, progress: Progress = silent) -> Self:
        """The engine over the rooms."""
        return cls(
            app,
            platform,
            d1=rooms.d1(app),
            postgres=rooms.postgres,
            store=rooms.object_store,
            keyring=rooms.keyring,
            clock=rooms.clock,
            application=rooms.ad_apps.get(platform.name, {}),
            origin=rooms.ad_origin,
            progress=progress,
        )

    def __post_init__(self) -> None:
        sleep = {"sleep": self.access["sleep"]} if "sleep" in self.access else {}
        accounts = accounts_of(self.app)
        self.connections = Connections(accounts, self.d1, self.keyring)
        self.staging = Staging(self.store, accounts.raw)
        # Of all processes, because a platform counts the requests of our application and not of a run.
        application = SharedBucket(self.postgres, f"ads.{self.platform.name}", self.platform.app_rate, **sleep)
        self._pacing = Pacing(self.platform.account_rate, together=application, **sleep)
        self._history = History(self.app, self.postgres, self.clock, self.origin)
        self._merge = Merge(self.app, self.platform, self.postgres, self.staging, self.clock)
        self._counting = Lock()
        self._done = self._total = 0

    def run(
        self, request: SyncRequest, *, connection: str | None = None, tiers: Collection[str] = ()
    ) -> Iterator[SyncResult]:
        """Sync the platform's active connections (of these tiers, or one by its id), a few at the same time."""
        with ThreadPoolExecutor(self.parallel, thread_name_prefix=f"ads-{self.platform.name}") as pool:
            # A page of connections at a time, because there may be thousands.
            for page in self.connections.active(self.platform.name, connection=connection, tiers=tiers):
                yield from pool.map(lambda one: self.sync(one, request), page)

    def sync(self, connection: AdConnection, request: SyncRequest) -> SyncResult:
        """Sync one connection. Every failure is in the result, in the history and in D1."""
        result = SyncResult(connection, str(uuid.uuid4()))
        try:
            self.connections.report(connection, "syncing")
            self._history.start(result.run_id, connection, request.mode)
            self._sync(connection, request, result)
        except Exception as error:  # noqa: BLE001 (a connection's failure must not stop the others)
            result.fail(describe(error, self.platform))
        self._report(result)
        return result

    def _sync(self, connection: AdConnection, request: SyncRequest, result: SyncResult) -> None:
        settings = self.connections.open(connection)
        if not is_sealed(connection):
            self.connections.keep(connection, settings, settings.oauth)
        result.ineffective += settings.sync.unknown
        self.platform.attribution(settings.sync.windows)  # a window that the platform does not have is refused here
        client = self.platform.open(self._access(connection, settings))
        try:
            self._count(total=1)
            merged = self._slice(client, self._manifest(settings, result, Stream.ACCOUNT), result)
            self._count(done=1)
            if merged is not None and merged.account is not None:
                self._streams(client, settings, request, result, merged.account)
        finally:
            result.requests = client.requests
            client.close()

    def _streams(
        self,
        client: Client,
        settings: ConnectionSettings,
        request: SyncRequest,
        result: SyncResult,
        account: Account,
    ) -> None:
        def synced(stream: Stream, days: AccountDays | None = None) -> MergeResult | None:
            manifest = self._manifest(
                settings, result, stream, days=days, currency=account.currency, time_zone=account.time_zone
            )
            return self._slice(client, manifest, result)

        wanted = list(self._wanted(result.connection, settings, request, account.time_zone))
        self._count(total=len(wanted))
        for stream, days in wanted:
            # After a failure nothing later of the stream is merged: its cursor would pass a gap.
            if stream.value not in result.failed:
                merged = synced(stream, days)
                if merged is not None and merged.doubtful and self._list(stream, result, synced):
                    # Asked again, because only a report that is later than the lists says what it leaves out.
                    self._count(total=1)
                    synced(stream, days)
                    self._count(done=1)
            self._count(done=1)
        if settings.sync.conversion_actions:
            for action in self._history.unseen_actions(result.connection, settings.sync.conversion_actions):
                note = f"conversion action {action[:64]}: none has come"
                result.notes[note] += 1
                result.ineffective.append(note)

    def _list(self, stream: Stream, result: SyncResult, synced: Callable[[Stream], MergeResult | None]) -> bool:
        """Request the lists that name a stream's entities, of those that this run has not; whether all are there."""
        lists = [one for one in ENTITIES[stream.level].lists if one not in result.merged]
        if any(one.value in result.failed for one in lists):
            return False
        for one in lists:
            self._count(total=1)
            merged = synced(one)
            self._count(done=1)
            if merged is None:
                return False
        return True

    def _wanted(
        self, connection: AdConnection, settings: ConnectionSettings, request: SyncRequest, time_zone: str
    ) -> Iterator[tuple[Stream, AccountDays | None]]:
        now = self.clock()
        today = plan.local_day(now, time_zone)
        synced_through: Mapping[Stream, date] = self._history.synced_through(connection)
        listed_at: Mapping[Stream, datetime] = self._history.listed_at(connection)
        for stream in map(Stream, plan.streams(settings.sync, self.platform.streams)):
            if not stream.is_daily:
                if plan.is_listed_anew(request.mode, listed_at.get(stream), now):
                    yield stream, None
                continue
            days = plan.window(request, today, settings.sync, synced_through.get(stream))
            for part in plan.slices(days, self.platform.longest_days) if days else ():
                yield stream, AccountDays(*part)

    def _slice(self, client: Client, manifest: SliceManifest, result: SyncResult) -> MergeResult | None:
        """Request a slice, stage it and merge it; None where it failed and other streams may still succeed."""
        resumed = self._history.resume(manifest) if manifest.days else None
        if resumed is not None:
            manifest.observed_at = resumed.observed_at
        job = self._history.open(manifest, self.staging.prefix(manifest), resumed)
        try:
            self._stage(client, manifest, job)
            merged = self._merge.run(manifest)
        except Exception as error:
            failure = describe(error, self.platform)
            self._history.failed(manifest, failure.code, str(failure))
            if isinstance(error, OtherAccountError):
                self.staging.drop(self.staging.prefix(manifest))
            if not isinstance(error, REFUSALS) or self.platform.concerns_account(error):
                raise
            result.fail(failure, manifest.stream)
            return None
        result.add(manifest.stream, merged)
        return merged

    def _stage(self, client: Client, manifest: SliceManifest, job: RecordedJob) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            manifest.pages.clear()
            try:
                for page in client.pages(manifest.stream, manifest.days, job):
                    self.staging.keep(manifest, page)
                break
            except PlatformError as error:
                if not error.again or attempt == ATTEMPTS:
                    raise
                job.id = None
                log.warning("%s %s: %s; requested again", self.platform.name, manifest.stream.value, error)
        self.staging.finish(manifest)
        self._history.staged(manifest)

    def replay(self, connection_id: str) -> MergeResult:
        """Merge the staged slices of a connection again, without the platform; later observations still win.

        Of slices that came from several addresses, those from the newest one's host are merged; the notes name others.
        """
        merge = Merge(self.app, self.platform, self.postgres, self.staging, self.clock, restatements=False)
        total = MergeResult()
        staged = self.staging.manifests(self.platform.name, connection_id)
        manifests = [manifest for manifest in staged if manifest.host == staged[-1].host]
        for manifest in staged:
            if manifest.host != staged[-1].host:
                total.notes[f"slices left out, which came from {manifest.host or 'the platform itself'}"] += 1
        for done, manifest in enumerate(manifests):
            self.progress(done, len(manifests))
            self._history.adopt(manifest, self.staging.prefix(manifest))
            try:
                merged = merge.run(manifest)
            except OtherAccountError:
                self.staging.drop(self.staging.prefix(manifest))
                raise
            for name in SUMMED:
                setattr(total, name, getattr(total, name) + getattr(merged, name))
        self.progress(len(manifests), len(manifests))
        return total

    def client(self, connection: AdConnection) -> Client:
        """A client of a connection, to ask its platform outside a sync; close it."""
        return self.platform.open(self._access(connection, self.connections.open(connection)))

    def _access(self, connection: AdConnection, settings: ConnectionSettings) -> Access:
        return Access(
            connection.account_id,
            settings.oauth,
            {**self.application, **settings.application},
            lambda oauth: self.connections.keep(connection, settings, oauth),
            self._pacing,
            self.clock,
            self.origin,
            settings.sync.windows,
            **self.access,
        )

    def _manifest(
        self,
        settings: ConnectionSettings,
        result: SyncResult,
        stream: Stream,
        *,
        days: AccountDays | None = None,
        currency: str = "",
        time_zone: str = "",
    ) -> SliceManifest:
        connection = result.connection
        return SliceManifest(
            slice_id=str(uuid.uuid4()),
            run_id=result.run_id,
            connection_id=connection.id,
            org_id=connection.org_id,
            platform=connection.platform,
            account_id=connection.account_id,
            stream=stream,
            observed_at=self.clock(),
            attribution=self.platform.attribution(settings.sync.windows),
            actions=list(settings.sync.conversion_actions),
            host=urlsplit(self.origin).hostname or "",
            since=days.since if days else None,
            until=days.until if days else None,
            currency=currency,
            time_zone=time_zone,
        )

    def _report(self, result: SyncResult) -> None:
        try:
            self._history.end(result.run_id, result.code, result.error, result.notes, result.requests)
            status, at = ("success", self.clock()) if result.error is None else ("error", None)
            self.connections.report(result.connection, status, error=result.error, at=at)
        except Exception as error:  # noqa: BLE001 (the caller gets the result in any case)
            result.fail(describe(error, self.platform))

    def _count(self, *, total: int = 0, done: int = 0) -> None:
        with self._counting:
            self._total += total
            self._done += done
            self.progress(self._done, self._total)

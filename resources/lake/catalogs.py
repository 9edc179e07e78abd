"""Catalogs: one of ours in Postgres, or one with Iceberg's REST protocol (R2 Data Catalog).

What belongs here: how a catalog is reached, how many commits it gets in a time, how long a request may take, which
request is sent again. What does not: tables and commits. Nothing here may guess whether a commit landed.
"""

import inspect
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
from pyiceberg.catalog import Catalog
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.catalog.sql import IcebergTables, SqlCatalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import CommitTableResponse, Table
from pyiceberg.table.update import AddSnapshotUpdate, TableRequirement, TableUpdate
from pyiceberg.typedef import Identifier
from requests.adapters import HTTPAdapter
from sqlalchemy import Connection, event

from resources.http import TRANSIENT, Patience
from resources.lake.file_io import IMPLEMENTATION
from resources.pacing import SlidingWindow
from resources.postgres.client import secrets_of
from resources.r2 import leave_out_checksums
from resources.rate_limits import retry_after
from resources.redaction import Secrets
from resources.unreachable import UnreachableError, where_to_look
from resources.verdicts import RETRYABLE_STATUSES

# Basin Catalog takes so many commits in 60 s, of one table and of all, and then answers 429 with `Retry-After: 60`.
COMMITS_A_TABLE, COMMITS_A_CATALOG, COMMIT_SECONDS = 20, 120, 60.0
_TOO_MANY = 429


def sql_catalog(
    dsn: str,
    warehouse: str,
    properties: Mapping[str, str],
    name: str = "clearlift",
    *,
    schema: str | None = None,
    role: str | None = None,
) -> Catalog:
    """A catalog in Postgres; its own tables are made at the first use.

    `dsn`: a libpq URL of a direct port or of a transaction pooler. `warehouse`: the URL of a folder or a bucket, which
    is read and written with pyiceberg's `properties`. `schema`: for the catalog's tables. `role`: for every statement.
    """
    leave_out_checksums()
    secrets = secrets_of(dsn)
    open_catalog = partial(_PostgresCatalog, name, schema, role)
    catalog = secrets.kept(open_catalog)(
        uri=dsn.replace("postgresql://", "postgresql+psycopg://", 1),
        warehouse=warehouse,
        pool_pre_ping="true",
        **IMPLEMENTATION,
        **properties,
    )
    return _keeping(catalog, secrets)


def rest_catalog(
    uri: str,
    warehouse: str,
    token: str,
    name: str = "clearlift",
    *,
    patience: Patience | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    setting: str | None = None,
) -> Catalog:
    """R2 Data Catalog, or any Iceberg REST catalog. It vends the credentials of the object store.

    setting: the variable that `uri` was read from, for errors.
    """
    leave_out_checksums()
    # Without a region pyiceberg asks AWS for the bucket's; R2's is `auto`. A vended region comes first.
    properties = {"uri": uri, "warehouse": warehouse, "token": token, "client.region": "auto", **IMPLEMENTATION}
    secrets = Secrets([token, *_of_address(uri)])
    window = partial(SlidingWindow, seconds=COMMIT_SECONDS, clock=clock, sleep=sleep)
    open_catalog = partial(_PatientRestCatalog, name, patience or Patience(read=120.0), sleep, window, setting)
    return _keeping(secrets.kept(open_catalog)(**properties), secrets)


def _of_address(uri: str) -> Iterator[str]:
    password = urlsplit(uri).password
    if password:
        yield from (password, unquote(password))


def _keeping(catalog: Catalog, secrets: Secrets) -> Catalog:
    """The catalog, whose errors show no secret: a server may repeat what it was sent."""
    for name in dir(Catalog):
        if not name.startswith("_") and inspect.ismethod(getattr(catalog, name)):
            setattr(catalog, name, secrets.kept(_looked_up(catalog, name)))
    return catalog


def _looked_up(catalog: Catalog, name: str) -> Callable[..., Any]:
    """A method that its class is asked for at each call, so that who replaces it there is heard."""
    return lambda *args, **kwargs: getattr(type(catalog), name)(catalog, *args, **kwargs)


class _PostgresCatalog(SqlCatalog):
    """Settings are for one transaction and no statement is prepared, because a transaction pooler needs it so.

    A metadata file never changes, so the one of a table that was read last is not read again.
    """

    def __init__(self, name: str, schema: str | None, role: str | None, **properties: str) -> None:
        self._settings = {"search_path": schema, "role": role}
        self._read: dict[str, Table] = {}
        super().__init__(name, **properties)

    def _init_catalog(self) -> None:
        event.listen(self.engine, "do_connect", _prepare_nothing)
        event.listen(self.engine, "begin", partial(_set, self._settings))
        super()._init_catalog()

    def _convert_orm_to_iceberg(self, orm_table: IcebergTables) -> Table:
        name = f"{orm_table.table_namespace}.{orm_table.table_name}"
        read = self._read.get(name)
        if read is None or read.metadata_location != orm_table.metadata_location:
            read = self._read[name] = super()._convert_orm_to_iceberg(orm_table)
        # With properties of its own, because callers change those of a commit.
        own = read.metadata.model_copy(update={"properties": dict(read.metadata.properties)})
        return Table(read.name(), own, read.metadata_location, read.io, self)


def _prepare_nothing(_dialect: Any, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> None:
    parameters["prepare_threshold"] = None


def _set(settings: Mapping[str, str | None], connection: Connection) -> None:
    for name, value in settings.items():
        if value is not None:
            connection.exec_driver_sql("select set_config(%s, %s, true)", (name, value))


class _PatientRestCatalog(RestCatalog):
    """With time-outs, retries and paced commits, which pyiceberg's own session does not have."""

    def __init__(
        self,
        name: str,
        patience: Patience,
        sleep: Callable[[float], None],
        window: Callable[[int], SlidingWindow],
        setting: str | None,
        **properties: str,
    ) -> None:
        self._patience = patience
        self._sleep = sleep
        self._setting = setting
        self._of_all = window(COMMITS_A_CATALOG)
        self._of_table: dict[Identifier, SlidingWindow] = defaultdict(lambda: window(COMMITS_A_TABLE))
        super().__init__(name, **properties)

    def _create_session(self) -> requests.Session:
        session = super()._create_session()
        for scheme in ("http://", "https://"):
            session.mount(scheme, _PatientAdapter(self._patience, self._sleep, self._setting))
        return session

    def commit_table(
        self, table: Table, requirements: tuple[TableRequirement, ...], updates: tuple[TableUpdate, ...]
    ) -> CommitTableResponse:
        self._of_table[table.name()].take()
        self._of_all.take()
        try:
            answer: CommitTableResponse = super().commit_table(table, requirements, updates)
            return answer
        except CommitFailedException:
            # A proxy may have sent the commit twice. Then the second is refused because the first landed, and pyiceberg
            # would delete the manifests, because it takes the commit for a failed one.
            snapshots = [update.snapshot.snapshot_id for update in updates if isinstance(update, AddSnapshotUpdate)]
            current = self.load_table(table.name())
            if not snapshots or any(current.metadata.snapshot_by_id(snapshot_id) is None for snapshot_id in snapshots):
                raise
            location = {"metadata-location": current.metadata_location}
            return CommitTableResponse(metadata=current.metadata, **location)


class _PatientAdapter(HTTPAdapter):
    """Every request has a time-out. A request that only reads is sent again after a temporary error.

    A commit is sent again only where the catalog did nothing for certain, because else only a look at the table tells
    whether it landed (resources.lake.commit). Where the catalog names a time to wait, it gets no request before.
    """

    def __init__(self, patience: Patience, sleep: Callable[[float], None], setting: str | None) -> None:
        self._patience = patience
        self._sleep = sleep
        self._setting = setting
        super().__init__()

    def send(self, request: requests.PreparedRequest, *_: Any, **options: Any) -> requests.Response:
        """The answer, with its whole body."""
        options |= {"timeout": (self._patience.connect, self._patience.read)}
        only_reads = request.method in ("GET", "HEAD")
        for attempt in range(1, self._patience.tries):
            wait = self._patience.back_off(attempt)
            try:
                response = self._read(request, **options)
                named = retry_after(response.headers)
                # A 200 without JSON comes from a proxy.
                if response.content.startswith(b"{") if response.ok else response.status_code not in RETRYABLE_STATUSES:
                    return response
                if not only_reads and response.status_code != _TOO_MANY:
                    self._wait(named or 0.0)
                    return response
                wait = named or wait
            except TRANSIENT as error:
                if not only_reads:
                    raise self._declined(request, error) from None
            self._wait(wait)
        try:
            return self._read(request, **options)
        except requests.RequestException as error:
            raise self._declined(request, error) from None

    def _wait(self, seconds: float) -> None:
        if seconds:
            self._sleep(min(seconds, self._patience.longest_wait))

    def _declined(self, request: requests.PreparedRequest, error: requests.RequestException) -> Exception:
        """Without the error's text, which holds the URL. Whether a commit landed is unknown after any error."""
        if not isinstance(error, requests.ConnectionError):
            return error
        return UnreachableError(
            f"the lake's catalog does not answer: {type(error).__name__}",
            where_to_look(urlsplit(request.url or "").hostname or "its host", self._setting),
        )

    def _read(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        response = super().send(request, **options)
        assert response.content is not None  # read here, so that a body that is cut short is a failed try
        return response

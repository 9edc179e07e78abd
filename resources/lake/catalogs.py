"""Catalogs: one of ours in Postgres, or one that speaks Iceberg's REST protocol (R2 Data Catalog).

What belongs here: how a catalog is reached, how long it is waited for, what is asked again. What does not: tables and
commits, whose outcome nothing in here may guess at.
"""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import requests
from pyiceberg.catalog import Catalog
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import CommitTableResponse, Table
from pyiceberg.table.update import AddSnapshotUpdate, TableRequirement, TableUpdate
from requests.adapters import HTTPAdapter
from sqlalchemy import Connection, event

from resources.http import RETRYABLE_STATUSES, TRANSIENT, Patience
from resources.r2 import leave_out_checksums
from resources.rate_limits import retry_after


def sql_catalog(
    dsn: str,
    warehouse: str,
    properties: Mapping[str, str],
    name: str = "clearlift",
    *,
    schema: str | None = None,
    role: str | None = None,
) -> Catalog:
    """A catalog in Postgres over a folder or bucket URL; its tables are made on first use.

    `dsn` is a libpq URL of a direct port or of a transaction pooler. `schema` holds the tables and `role` reads and
    writes them. `properties` are pyiceberg's for reading and writing the warehouse.
    """
    leave_out_checksums()
    return _PostgresCatalog(
        name,
        schema,
        role,
        uri=dsn.replace("postgresql://", "postgresql+psycopg://", 1),
        warehouse=warehouse,
        pool_pre_ping="true",
        **properties,
    )


def rest_catalog(
    uri: str,
    warehouse: str,
    token: str,
    name: str = "clearlift",
    *,
    patience: Patience | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Catalog:
    """R2 Data Catalog, or any Iceberg REST catalog; it vends the credentials of the object store."""
    leave_out_checksums()
    # Without any region pyiceberg asks AWS which one the bucket is in; R2's is `auto`. One that is vended comes first.
    properties = {"uri": uri, "warehouse": warehouse, "token": token, "client.region": "auto"}
    return _PatientRestCatalog(name, patience or Patience(read=120.0), sleep, **properties)


class _PostgresCatalog(SqlCatalog):
    """Every setting lives for one transaction and nothing is prepared, as a transaction pooler asks for."""

    def __init__(self, name: str, schema: str | None, role: str | None, **properties: str) -> None:
        self._settings = {"search_path": schema, "role": role}
        super().__init__(name, **properties)

    def _init_catalog(self) -> None:
        event.listen(self.engine, "do_connect", _prepare_nothing)
        event.listen(self.engine, "begin", partial(_set, self._settings))
        super()._init_catalog()


def _prepare_nothing(_dialect: Any, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> None:
    parameters["prepare_threshold"] = None


def _set(settings: Mapping[str, str | None], connection: Connection) -> None:
    for name, value in settings.items():
        if value is not None:
            connection.exec_driver_sql("select set_config(%s, %s, true)", (name, value))


class _PatientRestCatalog(RestCatalog):
    """pyiceberg's own session waits for ever and asks once."""

    def __init__(self, name: str, patience: Patience, sleep: Callable[[float], None], **properties: str) -> None:
        self._patience = patience
        self._sleep = sleep
        super().__init__(name, **properties)

    def _create_session(self) -> requests.Session:
        session = super()._create_session()
        for scheme in ("http://", "https://"):
            session.mount(scheme, _PatientAdapter(self._patience, self._sleep))
        return session

    def commit_table(
        self, table: Table, requirements: tuple[TableRequirement, ...], updates: tuple[TableUpdate, ...]
    ) -> CommitTableResponse:
        try:
            answer: CommitTableResponse = super().commit_table(table, requirements, updates)
            return answer
        except CommitFailedException:
            # Something between may have sent the commit twice: the second is refused because the first landed, and
            # pyiceberg would delete the manifests of what it takes for a failure.
            made = [update.snapshot.snapshot_id for update in updates if isinstance(update, AddSnapshotUpdate)]
            current = self.load_table(table.name())
            if not made or any(current.metadata.snapshot_by_id(snapshot_id) is None for snapshot_id in made):
                raise
            located = {"metadata-location": current.metadata_location}
            return CommitTableResponse(metadata=current.metadata, **located)


class _PatientAdapter(HTTPAdapter):
    """Every request ends in time. What only reads is asked again after passing trouble.

    A commit is not: whether it landed is found out by looking (resources.lake.commit).
    """

    def __init__(self, patience: Patience, sleep: Callable[[float], None]) -> None:
        self._patience = patience
        self._sleep = sleep
        super().__init__()

    def send(self, request: requests.PreparedRequest, *_: Any, **options: Any) -> requests.Response:
        """One answer, its body read whole."""
        options |= {"timeout": (self._patience.connect, self._patience.read)}
        tries = self._patience.tries if request.method in ("GET", "HEAD") else 1
        for attempt in range(1, tries):
            wait = self._patience.first_wait * 2 ** (attempt - 1)
            try:
                response = self._read(request, **options)
                # 200 without its JSON comes from something in between.
                if response.content.startswith(b"{") if response.ok else response.status_code not in RETRYABLE_STATUSES:
                    return response
                wait = retry_after(response.headers) or wait
            except TRANSIENT:
                pass
            self._sleep(min(wait, self._patience.longest_wait))
        return self._read(request, **options)

    def _read(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        response = super().send(request, **options)
        assert response.content is not None  # reads it here, so that a body that is cut short can be asked for again
        return response

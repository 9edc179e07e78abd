"""An Iceberg REST catalog on loopback: the protocol's tables and namespaces, a token, vended S3 credentials.

It keeps its tables in a pyiceberg catalog over SQLite. pyiceberg's own code checks the requirements of a commit against
the table as it is then. It has no views, renames or credentials for single tables.
"""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pyiceberg.catalog.rest import CreateTableRequest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import (
    CommitFailedException,
    NamespaceAlreadyExistsError,
    NoSuchNamespaceError,
    NoSuchTableError,
    TableAlreadyExistsError,
)
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC
from pyiceberg.table import CommitTableRequest, Table
from pyiceberg.table.sorting import UNSORTED_SORT_ORDER

from resources.r2 import leave_out_checksums
from tests.standin.loopback import Loopback, Reply, Request

WAREHOUSE = "acct_lake"
TOKEN = "catalog-token"
ERRORS: Mapping[type[Exception], int] = {
    NoSuchNamespaceError: 404,
    NoSuchTableError: 404,
    NamespaceAlreadyExistsError: 409,
    TableAlreadyExistsError: 409,
    CommitFailedException: 409,
    ValidationError: 400,
}


class RestCatalogServer:
    """One warehouse. vended: the FileIO properties that each table is sent with, and that the server uses itself."""

    def __init__(self, folder: Path, location: str, vended: Mapping[str, str]) -> None:
        self.loopback = Loopback(self.answer)
        self.vended = dict(vended)
        self.token = TOKEN
        self.commits = 0
        folder.mkdir(parents=True, exist_ok=True)
        leave_out_checksums()
        properties = {"s3.region": "auto", **vended, "uri": f"sqlite:///{folder}/catalog.db", "warehouse": location}
        self._catalog = SqlCatalog("served", **properties)
        self._lock = threading.Lock()

    @property
    def uri(self) -> str:
        return f"{self.loopback.url}/catalog"

    def close(self) -> None:
        self._catalog.engine.dispose()

    def answer(self, request: Request) -> Reply:
        """Answer one request of the protocol."""
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return refusal(401, "NotAuthorizedException", "The token is not valid, or has expired")
        try:
            with self._lock:
                return self._answer(request)
        except tuple(ERRORS) as error:
            return refusal(ERRORS[type(error)], type(error).__name__, str(error))

    def _answer(self, request: Request) -> Reply:
        match (request.method, *request.parts[2:]):
            case ("GET", "config"):
                if request.query.get("warehouse") != WAREHOUSE:
                    return refusal(404, "NotFoundException", "No such warehouse")
                return Reply({"defaults": {}, "overrides": {"prefix": WAREHOUSE}})
            case ("POST", prefix, "namespaces") if prefix == WAREHOUSE:
                self._catalog.create_namespace(tuple(request.json["namespace"]), request.json["properties"])
                return Reply({"namespace": request.json["namespace"], "properties": request.json["properties"]})
            case ("GET", prefix, "namespaces", namespace) if prefix == WAREHOUSE:
                return Reply(
                    {"namespace": [namespace], "properties": self._catalog.load_namespace_properties(namespace)}
                )
            case ("POST", prefix, "namespaces", namespace, "tables") if prefix == WAREHOUSE:
                return self._created(namespace, CreateTableRequest.model_validate({"location": None, **request.json}))
            case ("GET", prefix, "namespaces", namespace, "tables", name) if prefix == WAREHOUSE:
                return self._described(self._catalog.load_table((namespace, name)))
            case ("POST", prefix, "namespaces", namespace, "tables", name) if prefix == WAREHOUSE:
                return self._committed((namespace, name), CommitTableRequest.model_validate_json(request.body))
            case ("POST", prefix, "namespaces", namespace, "register") if prefix == WAREHOUSE:
                asked = request.json
                return self._described(
                    self._catalog.register_table((namespace, asked["name"]), asked["metadata-location"])
                )
            case ("DELETE", prefix, "namespaces", namespace, "tables", name) if prefix == WAREHOUSE:
                self._catalog.drop_table((namespace, name))
                return Reply({})
        return refusal(404, "NotFoundException", f"No route {request.method} {request.path}")

    def _created(self, namespace: str, request: CreateTableRequest) -> Reply:
        table = self._catalog.create_table(
            (namespace, request.name),
            request.table_schema,
            request.location,
            request.partition_spec or UNPARTITIONED_PARTITION_SPEC,
            request.write_order or UNSORTED_SORT_ORDER,
            request.properties,
        )
        return self._described(table)

    def _committed(self, identifier: tuple[str, str], request: CommitTableRequest) -> Reply:
        table = self._catalog.load_table(identifier)
        answer = self._catalog.commit_table(table, request.requirements, request.updates)
        self.commits += 1
        return Reply(answer.model_dump_json(by_alias=True).encode())

    def _described(self, table: Table) -> Reply:
        body: dict[str, Any] = {
            "metadata-location": table.metadata_location,
            "metadata": table.metadata.model_dump(mode="json", by_alias=True, exclude_none=True),
            "config": self.vended,
        }
        return Reply(body)


def refusal(status: int, kind: str, message: str) -> Reply:
    """An error in the form of the protocol."""
    return Reply({"error": {"message": message, "type": kind, "code": status}}, status)

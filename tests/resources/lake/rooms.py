"""Lakes on a REST catalog over a bucket, whose credentials are vended with each table. No fixtures in here."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

from resources.http import Patience
from resources.lake import Lake
from resources.lake.catalogs import rest_catalog
from tests.standin.rest_catalog import TOKEN, WAREHOUSE, RestCatalogServer
from tests.workerd.local_runtime import Workerd


def moto_properties(url: str) -> Mapping[str, str]:
    """What vends moto's S3, which takes any credentials."""
    return {"s3.endpoint": url, "s3.access-key-id": "key", "s3.secret-access-key": "secret", "s3.region": "auto"}


def workerd_properties(workerd: Workerd) -> Mapping[str, str]:
    """What vends the local runtime's bucket, which takes its own credentials only."""
    return {
        "s3.endpoint": workerd.s3_endpoint,
        "s3.access-key-id": workerd.access_key_id,
        "s3.secret-access-key": workerd.secret_access_key,
        "s3.region": "auto",
    }


@contextmanager
def served(folder: Path, vended: Mapping[str, str]) -> Iterator[RestCatalogServer]:
    """A REST catalog; its warehouse is a place of its own in the bucket `lake`, or a folder where nothing is vended."""
    place = f"s3://lake/{uuid.uuid4().hex}" if vended else (folder / "warehouse").as_uri()
    server = RestCatalogServer(folder, place, vended)
    with server.loopback:
        yield server
    server.close()


@contextmanager
def rest_lake(server: RestCatalogServer, patience: Patience | None = None) -> Iterator[Lake]:
    """A lake that knows the catalog's address and token alone, and locks nothing."""
    lake = Lake(
        partial(rest_catalog, server.uri, WAREHOUSE, TOKEN, patience=patience, sleep=lambda _: None),
        nullcontext,
    )
    yield lake
    if "catalog" in lake.__dict__:
        lake.catalog.close()

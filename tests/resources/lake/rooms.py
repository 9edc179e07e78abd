"""Lakes on a REST catalog over a bucket, whose credentials are vended with each table. No fixtures here."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

from resources.http import Patience
from resources.lake import Lake
from resources.lake.catalogs import rest_catalog
from tests.standin.rest_catalog import TOKEN, WAREHOUSE, RestCatalogServer
from tests.standin.waits import Waits
from tests.workerd.local_runtime import Workerd


def moto_properties(url: str) -> Mapping[str, str]:
    """The vended properties for moto's S3, which takes any credentials."""
    return {"s3.endpoint": url, "s3.access-key-id": "key", "s3.secret-access-key": "secret", "s3.region": "auto"}


def workerd_properties(workerd: Workerd) -> Mapping[str, str]:
    """The vended properties for the local runtime's bucket, which takes only its own credentials."""
    return {
        "s3.endpoint": workerd.s3_endpoint,
        "s3.access-key-id": workerd.access_key_id,
        "s3.secret-access-key": workerd.secret_access_key,
        "s3.region": "auto",
    }


@contextmanager
def served(folder: Path, vended: Mapping[str, str]) -> Iterator[RestCatalogServer]:
    """A REST catalog. Its warehouse is a new prefix in the bucket `lake`, or a folder if nothing is vended."""
    warehouse = f"s3://lake/{uuid.uuid4().hex}" if vended else (folder / "warehouse").as_uri()
    server = RestCatalogServer(folder, warehouse, vended)
    with server.loopback:
        yield server
    server.close()


@contextmanager
def rest_lake(
    server: RestCatalogServer, patience: Patience | None = None, clock: Waits | None = None
) -> Iterator[Lake]:
    """A lake with only the catalog's address and token, and without a lock. clock: the time in which it waits."""
    waits = clock or Waits()
    lake = Lake(
        partial(
            rest_catalog,
            server.uri,
            WAREHOUSE,
            TOKEN,
            patience=patience,
            clock=waits.clock,
            sleep=waits.sleep,
        ),
        nullcontext,
    )
    yield lake
    if "catalog" in lake.__dict__:
        lake.catalog.close()

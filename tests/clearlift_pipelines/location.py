"""The whole code location over stores of a test's own, its jobs run in this process."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dagster import DagsterInstance, Definitions, ExecuteInProcessResult, RunRequest
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG
from pydantic import SecretStr

from assets.apps.clearlift import APP as CLEARLIFT
from clearlift_pipelines import settings
from clearlift_pipelines.definitions import build_defs
from clearlift_pipelines.stores import Stores
from sandbox import sample_stores

SWEEP = {"ops": {"clearlift__events__ingested": {"config": {"sweep": True}}}}


class Location:
    """Definitions, stores and an instance. Its clock is the machine's until `now` is set."""

    def __init__(self, stores: Stores, instance: DagsterInstance) -> None:
        self.stores = stores
        self.instance = instance
        self.now: datetime | None = None
        stores.clock = self.clock
        self.defs: Definitions = build_defs(stores.settings, stores)

    def clock(self) -> datetime:
        return self.now or datetime.now(UTC)

    def run(
        self,
        job: str,
        first: str | None = None,
        last: str | None = None,
        config: Mapping[str, Any] | None = None,
        app: str = "clearlift",
    ) -> ExecuteInProcessResult:
        """A job, of one partition or of a range of them as one run."""
        one = last is None or first == last
        ranged = (
            {} if one else {ASSET_PARTITION_RANGE_START_TAG: first or "", ASSET_PARTITION_RANGE_END_TAG: last or ""}
        )
        return self.defs.resolve_job_def(f"{app}_{job}").execute_in_process(
            instance=self.instance, partition_key=first if one else None, tags=ranged, run_config=dict(config or {})
        )

    def count(self, sql: str) -> int:
        """The one number that a query of Postgres gives."""
        (value,) = self.stores.postgres.fetch(sql)[0].values()
        return int(value)


def partitions(request: RunRequest) -> tuple[str, str]:
    """The first and the last partition of a run; empty where it is of none."""
    one = request.partition_key or ""
    tags = request.tags
    return tags.get(ASSET_PARTITION_RANGE_START_TAG, one), tags.get(ASSET_PARTITION_RANGE_END_TAG, one)


@contextmanager
def located(home: Path, dsn: str) -> Iterator[Location]:
    """A migrated location with the sample's organisations in D1."""
    stores = Stores(settings.load(home=home, postgres_dsn=SecretStr(dsn)))
    try:
        with DagsterInstance.ephemeral() as instance:
            stores.migrate()
            sample_stores.fill_d1(stores.d1(CLEARLIFT))
            yield Location(stores, instance)
    finally:
        stores.close()

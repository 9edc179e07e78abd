"""The whole code location over stores of a test's own, its jobs run in this process."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dagster import (
    DagsterInstance,
    DagsterRun,
    DagsterRunStatus,
    Definitions,
    ExecuteInProcessResult,
    RunRequest,
    ScheduleEvaluationContext,
)
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteRepositoryOrigin
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)
from pydantic import SecretStr

from assets.apps.clearlift import APP as CLEARLIFT
from clearlift_pipelines import settings
from clearlift_pipelines.definitions import build_defs
from clearlift_pipelines.stores import Stores
from sandbox import sample_stores

ORIGIN = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("clearlift_pipelines"), "__repository__")
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

    def recorded(self, request: RunRequest, job: str, status: DagsterRunStatus) -> DagsterRun:
        """A run as a daemon would have made it of a request, with a status; nothing is executed."""
        tags = {**request.tags, **({PARTITION_NAME_TAG: request.partition_key} if request.partition_key else {})}
        assets = frozenset(request.asset_selection) if request.asset_selection else None
        return self.instance.create_run_for_job(
            self.defs.resolve_job_def(job),
            run_config=dict(request.run_config),
            tags=tags,
            asset_selection=assets,
            status=status,
            remote_job_origin=ORIGIN.get_job_origin(job),
        )

    def count(self, sql: str) -> int:
        """The one number that a query of Postgres gives."""
        (value,) = self.stores.postgres.fetch(sql)[0].values()
        return int(value)


class Moment(ScheduleEvaluationContext):
    """The context in which a schedule is evaluated at a moment. Dagster's own takes no instance without files."""

    def __init__(self, instance: DagsterInstance, at: datetime, defs: Definitions) -> None:
        super().__init__(None, at, None, None, repository_def=defs.get_repository_def())
        self._held = instance

    @property
    def instance(self) -> DagsterInstance:
        return self._held


def partitions(request: RunRequest) -> tuple[str, str]:
    """The first and the last partition of a run; empty where it is of none."""
    one = request.partition_key or ""
    tags = request.tags
    return tags.get(ASSET_PARTITION_RANGE_START_TAG, one), tags.get(ASSET_PARTITION_RANGE_END_TAG, one)


@contextmanager
def located(home: Path, dsn: str, **chosen: Any) -> Iterator[Location]:
    """A migrated location with the sample's organisations in D1."""
    stores = Stores(settings.load(home=home, postgres_dsn=SecretStr(dsn), **chosen))
    try:
        with DagsterInstance.ephemeral() as instance:
            stores.migrate()
            sample_stores.fill_d1(stores.d1(CLEARLIFT))
            yield Location(stores, instance)
    finally:
        stores.close()

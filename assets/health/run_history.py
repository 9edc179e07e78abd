"""How large Dagster's run history is. What does not belong here: how it is measured, and what goes (the top floor)."""

from collections.abc import Callable, Iterator
from datetime import datetime

from assets.apps.pipelines import PIPELINES
from assets.finding import Finding, HealthCheck
from assets.health.sizes import HOURLY
from assets.thresholds import Thresholds

MIB = 2**20


def check(size: Callable[[], int], thresholds: Thresholds) -> HealthCheck:
    """The look at its size in bytes."""

    def looks(_now: datetime) -> Iterator[Finding]:
        mib = size() / MIB
        if mib > thresholds.history_mib:
            said = f"the run history has {mib:,.0f} MiB, more than {thresholds.history_mib:,.0f}"
            yield Finding("run history", said, "clearlift purge")

    return HealthCheck(PIPELINES.name, "run_history_size", looks, every=HOURLY)

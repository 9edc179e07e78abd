"""From which value on something is a finding: the defaults, each with its reason. Pure.

A setting changes one of them: `CLEARLIFT_THRESHOLDS__BATCH_MINUTES=30`. What does not belong here: what is compared
with them (health.py of each room).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any


def _threshold(default: float, reason: str) -> Any:
    return field(default=default, metadata={"reason": reason})


@dataclass(frozen=True)
class Thresholds:
    """All thresholds; the end of a name is its unit."""

    passing_minutes: float = _threshold(
        4, "looks are 5 minutes apart: two in a row must fail, because one request that fails says little of a store"
    )
    batch_minutes: float = _threshold(15, "a sensor looks every 10 s, and a failed ingest is tried three times by then")
    pending_minutes: float = _threshold(15, "a sensor takes them every 5 minutes: two of its looks were missed")
    window_minutes: float = _threshold(20, "they are asked for every minute, and a run of a week takes minutes")
    refused_share: float = _threshold(0.05, "the dirt of ordinary senders is below 1 % of their lines")
    refused_lines: float = _threshold(100, "a share of a few lines says nothing")
    connection_hours: float = _threshold(26, "even free accounts are synced daily, and a run may take two hours")
    cache_hours: float = _threshold(3, "caches are warmed hourly: two runs were missed")
    backup_hours: float = _threshold(26, "a backup a day, and two hours for it")
    drill_hours: float = _threshold(50, "a drill follows each backup: two were missed")
    erasure_days: float = _threshold(7, "an erasure takes a night, and a second one where the first failed")
    key_days: float = _threshold(365, "keys are changed once a year")
    run_wait_minutes: float = _threshold(30, "the queue is asked each second; above half an hour something holds it up")
    tick_minutes: float = _threshold(15, "a moment that is evaluated so late was missed")
    history_mib: float = _threshold(2048, "14 days of runs are some 1,000 MiB in SQLite, and 60 MiB in Postgres")
    probe_median_ms: float = _threshold(1000, "Cloudflare's API answers within 300 ms; an hour of looks is compared")
    probe_p99_ms: float = _threshold(10_000, "requests are given up after 30 s; a day of looks is compared")
    size_share: float = _threshold(0.8, "a store that is full refuses writes; the rest is time to archive or to move")
    forecast_days: float = _threshold(30, "a month is enough to move a database; growth is measured over up to 30 days")
    disk_share: float = _threshold(0.9, "an embedded Postgres and a restore need room for their own files")
    d1_gb: float = _threshold(10, "Cloudflare's limit of one D1 database")
    postgres_gb: float = _threshold(500, "what the database may hold; set it to the size of your disk")
    kv_gb: float = _threshold(100, "no limit of Cloudflare's paid plan; what is above it costs 0.50 $ a GB and month")

    @classmethod
    def known(cls) -> Mapping[str, str]:
        """Every threshold's name with its reason."""
        return {one.name: one.metadata["reason"] for one in fields(cls)}


DEFAULTS = Thresholds()

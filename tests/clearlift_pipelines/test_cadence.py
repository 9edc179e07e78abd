"""What runs when: every job, schedule and sensor is there, and on."""

import pytest
from dagster import Definitions, ScheduleDefinition, SensorDefinition

from assets.apps import APPS
from clearlift_pipelines import settings
from clearlift_pipelines.definitions import build_defs

# Of every app, and of the pipelines for the stores that all apps share.
OF_BACKUPS = " backup backup_age rotate"
OF_REQUESTS = "erasure_requests export_requests"
JOBS = {
    "clearlift": "ads archive attribution compact compliance erase hourly ingest observe policy remove_files"
    " retention roll_up_days roll_up_hours roll_up_months roll_up_weeks seal sessions tidy verify_cache warm",
    "consignment": "archive changes compliance erase integrity invalidate observe policy retention seal verify_cache"
    " warm",
    "growth": "aggregate archive compliance database erase experiments inactive_sessions"
    " pending_events phones policy reports retention seal verify_cache warm",
    "sesh": "archive changes columns compliance erase invalidate media metrics observe partitions points"
    " policy pruning retention seal verify_cache warm",
    "pipelines": "purge trail",
}
# By app: the name of a schedule, its job, its cron line in UTC.
TICKS = {
    "clearlift": {
        "erase": ("erase", "20 2 * * *"),
        "observe": ("observe", "15 0 * * *"),
        "ads_hourly": ("ads", "5 * * * *"),
        "hourly": ("hourly", "10 * * * *"),
        "today": ("roll_up_days", "20 * * * *"),
        "attribution_today": ("attribution", "25 * * * *"),
        "warm": ("warm", "35 * * * *"),
        "tidy": ("tidy", "40 * * * *"),
        "daily": ("roll_up_days", "30 0 * * *"),
        "sessions_daily": ("sessions", "40 0 * * *"),
        "weekly": ("roll_up_weeks", "45 0 * * *"),
        "monthly": ("roll_up_months", "50 0 * * *"),
        "attribution_daily": ("attribution", "55 0 * * *"),
        "ads_daily": ("ads", "15 3 * * *"),
        "remove_files": ("remove_files", "50 3 * * *"),
        "sweep": ("ingest", "0 4 * * *"),
        "verify_cache": ("verify_cache", "20 4 * * *"),
        "ads_look_back": ("ads", "45 4 * * *"),
        "retention": ("retention", "0 5 * * *"),
        "archive": ("archive", "15 5 1 1,4,7,10 *"),
        "compliance": ("compliance", "30 7 1 * *"),
    },
    "consignment": {
        "erase": ("erase", "20 2 * * *"),
        "observe": ("observe", "15 0 * * *"),
        "changes": ("changes", "55 * * * *"),
        "warm": ("warm", "35 * * * *"),
        "verify_cache": ("verify_cache", "20 4 * * *"),
        "integrity": ("integrity", "30 4 * * *"),
        "retention": ("retention", "0 5 * * *"),
        "archive": ("archive", "15 5 1 1,4,7,10 *"),
        "compliance": ("compliance", "30 7 1 * *"),
    },
    "growth": {
        "erase": ("erase", "20 2 * * *"),
        "aggregate": ("aggregate", "10 * * * *"),
        "experiments": ("experiments", "20 1 * * *"),
        "phones": ("phones", "25 * * * *"),
        "database": ("database", "40 4 * * *"),
        "reports": ("reports", "10 6 * * *"),
        "warm": ("warm", "35 * * * *"),
        "verify_cache": ("verify_cache", "20 4 * * *"),
        "retention": ("retention", "0 5 * * *"),
        "archive": ("archive", "15 5 1 1,4,7,10 *"),
        "compliance": ("compliance", "30 7 1 * *"),
    },
    "sesh": {
        "erase": ("erase", "20 2 * * *"),
        "observe": ("observe", "15 0 * * *"),
        "changes": ("changes", "55 * * * *"),
        "points": ("points", "15 0-1,3-23 * * *"),
        "points_sweep": ("points", "15 2 * * *"),
        "warm": ("warm", "35 * * * *"),
        "columns": ("columns", "20 2 * * *"),
        "verify_cache": ("verify_cache", "20 4 * * *"),
        "media_sweep": ("media", "25 4 * * *"),
        "retention": ("retention", "0 5 * * *"),
        "partitions": ("partitions", "10 2 1 * *"),
        "archive": ("archive", "15 5 1 1,4,7,10 *"),
        "compliance": ("compliance", "30 7 1 * *"),
        "pruning": ("pruning", "30 5 2 1 *"),
    },
    "pipelines": {"purge": ("purge", "55 5 * * *"), "trail": ("trail", "20 2 * * *")},
}
TICKS_OF_BACKUPS = {
    "backup": ("backup", "10 1 * * *"),
    "backup_age": ("backup_age", "50 */6 * * *"),
    "rotate": ("rotate", "40 5 * * *"),
}
# By sensor: its interval in seconds, and its jobs.
WATCHES = {
    "clearlift_landing": (30, "clearlift_ingest"),
    "clearlift_late_data": (
        60,
        "clearlift_roll_up_hours clearlift_roll_up_days clearlift_roll_up_weeks clearlift_roll_up_months",
    ),
    "clearlift_late_sessions": (60, "clearlift_sessions"),
    "clearlift_late_attribution": (60, "clearlift_attribution"),
    "consignment_changed_rows": (300, "consignment_warm"),
    "consignment_invalidation": (300, ""),
    "growth_pending_events": (300, "growth_pending_events"),
    "growth_inactive_sessions": (600, ""),
    "sesh_changed_rows": (300, "sesh_warm"),
    "sesh_invalidation": (300, ""),
    "pipelines_health": (300, ""),
    "pipelines_alerts": (60, ""),
    "pipelines_page": (300, ""),
    "sesh_uploads": (60, "sesh_media"),
    **{
        f"{app}_erasure_requests": (60, f"{app}_erasure_requests")
        for app in ("clearlift", "consignment", "growth", "sesh")
    },
    **{
        f"{app}_export_requests": (60, f"{app}_export_requests")
        for app in ("clearlift", "consignment", "growth", "sesh")
    },
    **{f"{app}_in_clear": (300, f"{app}_seal") for app in ("clearlift", "consignment", "growth", "sesh")},
    **{f"{owner}_first_backup": (600, f"{owner}_backup") for owner in JOBS},
}


@pytest.fixture(scope="module")
def defs() -> Definitions:
    return build_defs(settings.load())


def test_every_job_schedule_and_sensor_is_there_and_on(defs: Definitions) -> None:
    assert {job.name for job in defs.jobs or ()} == {
        *(f"{owner}_{job}" for owner, jobs in JOBS.items() for job in (jobs + OF_BACKUPS).split()),
        *(f"{app.name}_{job}" for app in APPS for job in OF_REQUESTS.split()),
    }
    schedules = {s.name: s for s in defs.schedules or () if isinstance(s, ScheduleDefinition)}
    assert {(name, s.job_name, s.cron_schedule) for name, s in schedules.items()} == {
        (f"{owner}_{tick}", f"{owner}_{job}", cron)
        for owner, ticks in TICKS.items()
        for tick, (job, cron) in (ticks | TICKS_OF_BACKUPS).items()
    }
    assert {s.execution_timezone for s in schedules.values()} == {"UTC"}
    sensors = {s.name: s for s in defs.sensors or ()}
    assert {
        name: (sensor.minimum_interval_seconds, " ".join(job.name for job in (sensor.jobs if sensor.targets else ())))
        for name, sensor in sensors.items()
    } == WATCHES
    running: list[ScheduleDefinition | SensorDefinition] = [*schedules.values(), *sensors.values()]
    for named in running:
        assert named.default_status.value == "RUNNING", named.name
        assert named.description, named.name
        assert named.owners == [f"team:{named.name.partition('_')[0]}-data"], named.name

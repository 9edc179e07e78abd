"""Schedules and sensors of a test's code location, evaluated here; and what lands for them."""

import gzip
from datetime import datetime

from dagster import RunRequest, build_sensor_context

from assets.apps.clearlift import APP as CLEARLIFT
from assets.events import landing
from tests.clearlift_pipelines.location import Location, Moment


def ticked(location: Location, name: str, at: datetime) -> list[RunRequest]:
    """What a schedule of ClearLift requests at a moment."""
    schedule = location.defs.resolve_schedule_def(f"clearlift_{name}")
    context = Moment(location.instance, at, location.defs)
    return list(schedule.evaluate_tick(context).run_requests or [])


def scheduled(location: Location, name: str, at: datetime) -> RunRequest:
    """The one run that a schedule of ClearLift requests at a moment."""
    (request,) = ticked(location, name, at)
    return request


def sensed(location: Location, name: str) -> tuple[list[RunRequest], str | None]:
    """What a sensor of ClearLift requests now, and why it requests nothing."""
    sensor = location.defs.resolve_sensor_def(f"clearlift_{name}")
    with build_sensor_context(instance=location.instance, repository_def=location.defs.get_repository_def()) as context:
        tick = sensor.evaluate_tick(context)
    return list(tick.run_requests or []), tick.skip_message


def put(location: Location, name: str, at: datetime, *lines: bytes) -> None:
    """A batch of events that lands."""
    prefix = landing.zone(CLEARLIFT).hour_prefix(at)
    location.stores.object_store.put(f"{prefix}{name}.ndjson.gz", gzip.compress(b"\n".join(lines)))

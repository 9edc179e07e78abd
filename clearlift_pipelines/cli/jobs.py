"""What a job takes: read from the definitions, so that a job of a further room needs no line here.

What belongs here: jobs of all apps by name, their partitions, the fields of their assets' configuration. What does not:
options and output (job.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from typing import Any

import click
from dagster import Definitions, JobDefinition, TimeWindowPartitionsDefinition

from assets.apps import APPS, App
from assets.apps.pipelines import PIPELINES
from assets.capability import Object, job_name, op_name
from clearlift_pipelines import purge_job
from resources.declined import DeclinedError

OWNERS = (*APPS, PIPELINES)
# By the keys of Dagster's own types.
TYPES: Mapping[str, type] = {
    "BoolSourceType": bool,
    "IntSourceType": int,
    "Float": float,
    "StringSourceType": str,
    "Array.StringSourceType": list,
}
# Offered only where all assets of a job know it: else a dry run would do half of the work.
DRY_RUN = "dry_run"


@dataclass(frozen=True)
class Field:
    """One field of the configuration of assets. type: bool, int, float, str, or list for texts."""

    name: str
    type: type
    default: Any
    description: str


@dataclass(frozen=True)
class RunnableJob:
    """A job by its name without an app's, and its definition for each app that has it."""

    name: str
    definitions: Mapping[str, JobDefinition]

    @property
    def apps(self) -> list[App]:
        """The apps that have it."""
        return [app for app in OWNERS if app.name in self.definitions]

    @property
    def description(self) -> str:
        """What it does."""
        return next(iter(self.definitions.values())).description or ""

    @property
    def partitioned(self) -> bool:
        """Whether a run is of partitions."""
        return any(definition.partitions_def is not None for definition in self.definitions.values())

    @property
    def assets(self) -> list[str]:
        """Its assets as `capability/name`."""
        return sorted({"/".join(name) for app in self.apps for name in self.objects(app)})

    @property
    def fields(self) -> dict[str, Field]:
        """The options that its assets take, by name."""
        found: dict[str, Field] = {}
        for app in self.apps:
            for fields in self._fields(app).values():
                found |= fields
        if found and not all(
            DRY_RUN in self._fields(app).get(name, {}) for app in self.apps for name in self.objects(app)
        ):
            found.pop(DRY_RUN, None)
        return found

    def objects(self, app: App, chosen: Sequence[str] = ()) -> list[Object]:
        """Its assets of an app; of these those that were chosen, if any."""
        keys = self.definitions[app.name].asset_layer.executable_asset_keys
        names = sorted((key.path[1], key.path[2]) for key in keys)
        unknown = sorted(set(chosen) - {"/".join(name) for name in names})
        if unknown:
            raise click.BadParameter(f"{app.name} has no {', '.join(unknown)}", param_hint="--asset")
        return [name for name in names if not chosen or "/".join(name) in chosen]

    def config(self, app: App, chosen: Sequence[Object], given: Mapping[str, Any]) -> dict[Object, dict[str, Any]]:
        """The configuration of each chosen asset that knows one of the given fields."""
        fields = {name: known for name, known in self._fields(app).items() if name in chosen}
        unknown = sorted(set(given) - {name for known in fields.values() for name in known})
        if unknown:
            raise click.UsageError(f"{self.name} of {app.name} takes no --{unknown[0].replace('_', '-')}")
        values = {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}
        config = {name: {field: values[field] for field in known if field in values} for name, known in fields.items()}
        return {name: filled for name, filled in config.items() if filled}

    def keys(self, app: App, key: str | None, first: datetime | None, end: datetime | None) -> tuple[str, ...]:
        """First and last partition key of a run: of one key, or of all that reach into [first, end); none without any.

        Raises:
            click.UsageError: neither or both ways are given.
            DeclinedError: there is no such partition.
        """
        partitions = self.definitions[app.name].partitions_def
        if partitions is None:
            if key or first or end:
                raise click.UsageError(f"{self.name} of {app.name} has no partitions")
            return ()
        assert isinstance(partitions, TimeWindowPartitionsDefinition)
        known = partitions.get_partition_keys()
        remedy = f"name one from {known[0]} to {known[-1]}"
        if key is not None:
            if first or end:
                raise click.UsageError("give either --partition, or --from and --to")
            if key not in known:
                raise DeclinedError(f"{self.name} has no partition {key!r}", remedy)
            return key, key
        if first is None or end is None:
            raise click.UsageError(
                f"say which partitions: --partition KEY, or --from and --to; the last is {known[-1]}"
            )
        start, stop = first.replace(tzinfo=UTC), end.replace(tzinfo=UTC)
        windows = {one: partitions.time_window_for_partition_key(one) for one in known}
        within = [one for one, window in windows.items() if window.start < stop and window.end > start]
        if not within:
            raise DeclinedError(f"{self.name} has no partition from {start:%Y-%m-%dT%H} to {stop:%Y-%m-%dT%H}", remedy)
        return within[0], within[-1]

    def _fields(self, app: App) -> dict[Object, dict[str, Field]]:
        names = {op_name((app.name, *name)): name for name in self.objects(app)}
        return {
            names[node.name]: dict(_fields_of(node.definition.config_schema))
            for node in self.definitions[app.name].graph.nodes
            if node.name in names
        }


def runnable(definitions: Definitions) -> dict[str, RunnableJob]:
    """Every job of some apps' definitions by its name without its app's."""
    found: dict[str, dict[str, JobDefinition]] = {}
    for job, app in product(definitions.jobs or (), OWNERS):
        if not job.name.startswith(job_name(app, "")) or job.name == purge_job.NAME:
            continue
        found.setdefault(job.name.removeprefix(job_name(app, "")), {})[app.name] = definitions.resolve_job_def(job.name)
    return {name: RunnableJob(name, by_app) for name, by_app in found.items()}


def _fields_of(schema: Any) -> list[tuple[str, Field]]:
    """The fields of an op's configuration; none where it takes nothing."""
    fields = getattr(getattr(schema, "config_type", None), "fields", None) or {}
    return [(name, _field(name, field)) for name, field in fields.items()]


def _field(name: str, field: Any) -> Field:
    inner = getattr(field.config_type, "inner_type", field.config_type)
    return Field(
        name, TYPES[inner.key], field.default_value if field.default_provided else None, field.description or ""
    )

"""What the sealing room brings: a job that seals what an app has in clear, and a look whether there is any."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import groupby

from assets.apps import App
from assets.apps.pipelines import PIPELINES
from assets.capability import Capability, Job, Object, Request, Site, Watch, assets_of
from assets.sealing import assets, health
from assets.sealing.field_store import store_of
from assets.sealing.fields import Field, fields_of


def bring(app: App, site: Site) -> Capability:
    """Nothing for an app without sealed columns."""
    tables = tables_of(app)
    if not tables:
        return Capability()
    is_on = app.name in site.sealed_apps
    return Capability(
        assets=[assets.sealed(app, fields, is_on=is_on, plain_hashes=site.plain_hashes) for fields in tables],
        jobs=[
            Job(
                "seal",
                assets_of(app, *(_object(fields) for fields in tables)),
                "Seal what the app wrote in clear into its personal columns.",
                timedelta(hours=6),
                alone=True,
            )
        ],
        watches=[
            Watch(
                "in_clear",
                ("seal",),
                "Asks for the tables that have a personal column in clear; by default where the database is embedded.",
                lambda _: _asked(app, site, tables) if is_on else iter(["Sealing is off for this app."]),
                seconds=300,
            )
        ],
    )


def bring_shared(site: Site) -> Capability:
    """What it brings for the key set, which all apps share."""
    return Capability(health=[health.check(PIPELINES.name, site)])


def tables_of(app: App) -> list[tuple[Field, ...]]:
    """The columns of an app's own databases that are moved from clear to sealed, table by table."""
    moved = (field for field in fields_of(app, "d1", "app_postgres") if field.rule.column)
    return [tuple(fields) for _, fields in groupby(moved, lambda field: (field.store, field.table))]


def _asked(app: App, site: Site, tables: list[tuple[Field, ...]]) -> Iterator[Request | str]:
    waiting = [
        fields for fields in tables if any(store_of(site.rooms, app, field).count_in_clear(field) for field in fields)
    ]
    for fields in waiting:
        _, name = _object(fields)
        yield Request(name, assets=[_object(fields)])
    if not waiting:
        yield "Nothing is in clear."


def _object(fields: tuple[Field, ...]) -> Object:
    return "sealing", assets.name_of(fields[0])

"""The lake table of an app's events, as it follows from the event record."""

from assets.apps import App
from assets.events.record import FIELDS
from resources.lake import Column, ColumnType, TableSpec


def events_table(app: App) -> TableSpec:
    """The table of an app that has an audience."""
    assert app.audience is not None, f"{app.name} collects no events"
    namespace, _, name = app.audience.table.partition(".")
    return TableSpec(
        namespace=namespace,
        name=name,
        columns=tuple(Column(f.name, ColumnType(f.kind.value), f.required, f.doc) for f in FIELDS),
        tenant="org_tag",
        time="timestamp",
        id="event_id",
        folder=app.audience.folder,
    )

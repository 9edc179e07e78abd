"""The lake table `clearlift.events`, as it follows from the event record."""

from assets.events.record import FIELDS
from resources.lake import Column, ColumnType, TableSpec

EVENTS = TableSpec(
    namespace="clearlift",
    name="events",
    columns=tuple(Column(f.name, ColumnType(f.kind.value), f.required, f.doc) for f in FIELDS),
    tenant="org_tag",
    time="timestamp",
    folder="data/events",
)

"""The quarantine of an app's events. Lines of a run that is not committed are not in it.

What judges lines is imported when they are judged, because it takes longest to import and a listing needs none of it.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from assets.apps import App
from assets.events import landing
from assets.events.ledger import IngestLedger
from assets.intake.postgres_refusals import PostgresRefusals
from assets.intake.quarantine import Quarantine
from assets.intake.refusal import Refusal
from assets.rooms import Rooms


def quarantine(rooms: Rooms, app: App, earliest: datetime) -> Quarantine | None:
    """The quarantine of an app's events, of which those from `earliest` on are admitted; None without an audience."""
    audience = app.audience
    if audience is None:
        return None
    org_tags = audience.org_tags

    def judge(lines: Sequence[bytes]) -> list[Refusal]:
        from assets.events.ingest import admission
        from assets.events.validation import sift

        return sift(b"\n".join(lines), admission(rooms.d1(app), org_tags, earliest)(rooms.clock())).refusals

    return Quarantine(
        rooms.object_store,
        landing.zone(app),
        audience.quarantine,
        PostgresRefusals(rooms.postgres, "events", app.name),
        rooms.clock,
        judge,
        IngestLedger(rooms.postgres, app.name).known_objects,
        partial(rooms.postgres.lock, f"{app.name}.events.quarantine"),
        app.holding("lake", audience.table).impersonal_columns,
    )

"""The kinds of objects that land for an app: events and points, each with what an erasure must know of it.

What belongs here: where each lies, whose its lines are, its ledger and its locks. What does not: what is done with it.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field

from assets.apps import App
from assets.apps.personal import Subject
from assets.erasure.erased_people import ErasedPeople
from assets.erasure.ledgers import D1Ledger, Ledger, PostgresLedger
from assets.erasure.lines import Lines
from assets.events import ingest
from assets.events import landing as event_landing
from assets.events.ledger import IngestLedger
from assets.events.table import events_table
from assets.intake.zone import Zone
from assets.points import landing as point_landing
from assets.points.ingest import PointIngest
from assets.rooms import Rooms

CONTENT = "content."


@dataclass(frozen=True)
class LandedKind:
    """One kind. quarantine: the prefix of what was refused. receipts: the prefix of what says where a file landed.

    locks: the names of the locks of those who take objects and of those who replay refused lines.
    """

    zone: Zone
    quarantine: str
    lines: Lines
    ledger: Ledger
    locks: tuple[str, str]
    receipts: str = field(default="")


def has_any(app: App) -> bool:
    """Whether anything lands for an app."""
    return app.audience is not None or app.points is not None


def kinds(rooms: Rooms, app: App, people: ErasedPeople) -> Iterator[LandedKind]:
    """The kinds of an app."""
    if app.audience is not None:
        table = events_table(app)
        yield LandedKind(
            event_landing.zone(app),
            app.audience.quarantine,
            Lines(
                people,
                _of_lines(app, app.audience.landing),
                table.tenant,
                app.holding("lake", app.audience.table).impersonal_columns,
                {column.name for column in table.columns if column.required},
            ),
            PostgresLedger(rooms.postgres, app.name, IngestLedger(rooms.postgres, app.name).known_objects),
            (ingest.lock_name(app), f"{app.name}.events.quarantine"),
            app.audience.receipts,
        )
    if app.points is not None:
        yield LandedKind(
            point_landing.zone(app),
            app.points.quarantine,
            Lines(people, _of_lines(app, app.points.prefix), impersonal=("sessionId", "seq", "at")),
            D1Ledger(rooms.d1(app), PointIngest.of(rooms, app).known),
            (f"{app.name}.points", f"{app.name}.points.quarantine"),
        )


@contextmanager
def alone(kind: LandedKind, lock: Callable[[str], AbstractContextManager[object]]) -> Iterator[None]:
    """Nobody takes objects of the kind, and nobody replays refused lines."""
    with ExitStack() as held:
        for name in kind.locks:
            held.enter_context(lock(name))
        yield


def _of_lines(app: App, prefix: str) -> list[Subject]:
    """Whose a line is, by its fields."""
    subjects = app.holding("r2", prefix).subjects
    return [(kind, place.removeprefix(CONTENT)) for kind, place in subjects if place.startswith(CONTENT)]

"""Which stores are backed up, and by which method: it follows from what an app has, and from what all apps share.

What does not belong here: what a method does, and when it runs (capability.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from assets.apps import APPS, App
from assets.backups.d1 import D1Backups
from assets.backups.drill import Drill
from assets.backups.making import Backup
from assets.backups.method import Method
from assets.backups.restore import Restore
from assets.backups.sealed_fields import opened
from assets.backups.sets import Sets
from assets.backups.target import StoreName, Target
from assets.rooms import Rooms
from resources.d1 import EmbeddedD1
from resources.d1.pace import Pace
from resources.declined import DeclinedError


@dataclass(frozen=True)
class Covered:
    """A store that is backed up.

    owner: the app, or the pipelines, whose assets show it. apps: those whose data it holds. method: what makes its
    means of backup. opens: how many sealed fields of a restored place could be opened. prune: removes from the live
    store what only a backup needs, and a verified one has.
    """

    name: StoreName
    owner: App
    apps: Sequence[App]
    method: Callable[[Rooms], Method[Any]]
    opens: Callable[[Rooms, Any], int] = lambda _rooms, _place: 0
    prune: Callable[[Rooms, Sets], object] = lambda _rooms, _sets: None

    def backup(self, rooms: Rooms) -> Backup:
        """What makes its sets."""
        return Backup(target_of(rooms), self.method(rooms), rooms.clock, lambda sets: self.prune(rooms, sets))

    def restore(self, rooms: Rooms) -> Restore:
        """What restores it."""
        return Restore(target_of(rooms), self.method(rooms), self.apps, rooms.postgres)

    def drill(self, rooms: Rooms) -> Drill:
        """What proves that it can be restored."""
        return Drill(self.restore(rooms), rooms.scratch, rooms.clock, lambda place: self.opens(rooms, place))


def target_of(rooms: Rooms) -> Target:
    """Where all sets lie."""
    return Target(rooms.backup_store, rooms.backup_prefix, rooms.keyring)


def of(app: App) -> tuple[Covered, ...]:
    """The stores of an app."""
    return (_d1(app),) if app.d1_migrations is not None else ()


def shared() -> tuple[Covered, ...]:
    """The stores that all apps share. Our Postgres is the first, because restores of the others ask it."""
    return ()


def every() -> tuple[Covered, ...]:
    """All stores, in the order in which they are restored."""
    return (*shared(), *(covered for app in APPS for covered in of(app)))


def named(text: str) -> Covered:
    """The store of a name such as `clearlift/d1`.

    Raises:
        DeclinedError: there is none.
    """
    by_name = {str(covered.name): covered for covered in every()}
    if text not in by_name:
        near = get_close_matches(text, by_name, n=1)
        raise DeclinedError(
            f"there is no store {text!r}", f"name {near[0]}" if near else f"name one of {', '.join(by_name)}"
        )
    return by_name[text]


def _d1(app: App) -> Covered:
    def method(rooms: Rooms) -> D1Backups:
        d1 = rooms.d1(app)
        # A real one has 30 days of Time Travel, the quick way back.
        return D1Backups(app, d1, rooms.clock, lambda: "" if isinstance(d1, EmbeddedD1) else d1.bookmark())

    return Covered(
        StoreName(app.name, "d1"),
        app,
        (app,),
        method,
        opens=lambda rooms, place: opened(app, place, rooms.keyring),
        prune=lambda rooms, sets: method(rooms).prune(sets, Pace()),
    )

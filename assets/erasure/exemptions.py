"""What an erasure leaves for a while: rows of some tables of the app, with a reason and a last day.

What belongs here: what may be left, and the registry as an erasure reads it then. What does not: the request that
erases them when the day has come (requests.py).
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Self

from assets.apps import App
from assets.apps.personal import Holding
from assets.erasure.identify import Asked
from assets.rooms import Rooms
from resources.d1.schema import OBJECTS, Schema
from resources.declined import DeclinedError
from resources.sql_files import read_sql

LONGEST_REASON = 200


class NotExemptError(DeclinedError):
    """Something cannot be left. Nothing was touched."""


@dataclass(frozen=True)
class Exemption:
    """names: tables, as `d1/name` or `app_postgres/schema.name`. reason: why they are left. until: the last day."""

    names: tuple[str, ...]
    reason: str
    until: date

    @property
    def ends(self) -> datetime:
        """From when on they are erased."""
        return datetime(self.until.year, self.until.month, self.until.day, tzinfo=UTC) + timedelta(days=1)

    @property
    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {"names": list(self.names), "reason": self.reason, "until": self.until.isoformat()}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """From JSON."""
        return cls(tuple(document["names"]), document["reason"], date.fromisoformat(document["until"]))


def name_of(entry: Holding) -> str:
    """The name of a table as people type it."""
    return f"{entry.store}/{entry.name}"


def possible(app: App) -> list[str]:
    """The tables of an app that may be left: its own, whose rows an erasure would delete."""
    stores = ("d1", "app_postgres")
    return sorted(name_of(e) for e in app.personal if e.store in stores and e.erasure == "delete" and e.subjects)


def exempted(app: App, exemption: Exemption | None) -> App:
    """The app as an erasure sees it that leaves these tables as they are."""
    if exemption is None:
        return app
    reason = f"exempt until {exemption.until}: {exemption.reason}"

    def left(entry: Holding) -> Holding:
        if name_of(entry) not in exemption.names:
            return entry
        return replace(entry, erasure="keep", reason=reason, mentions=(), blanked_by="")

    return replace(app, personal=tuple(map(left, app.personal)))


def require_possible(rooms: Rooms, app: App, exemption: Exemption, asked: Asked) -> None:
    """Refuse an exemption that cannot be kept, or whose reason names the person.

    Raises:
        NotExemptError: one line says why.
    """
    if asked.is_organisation:
        raise NotExemptError("an organisation goes with all that is its own", "name its people one by one")
    known, names, subject = possible(app), exemption.names, asked.subject.strip()
    if unknown := sorted(set(names) - set(known)):
        raise NotExemptError(f"{', '.join(unknown)} cannot be left by {app.name}", f"name some of {', '.join(known)}")
    if not exemption.reason.strip() or len(exemption.reason) > LONGEST_REASON or not exemption.reason.isprintable():
        raise NotExemptError(
            "what is left has no reason", f"say it by --because, in {LONGEST_REASON} characters at most"
        )
    if subject and subject.lower() in exemption.reason.lower():
        raise NotExemptError("the reason names the person, and it is in the receipt", "say it without the person")
    if exemption.ends <= rooms.clock():
        raise NotExemptError("the last day has passed", "name a later one by --until")
    for child, parent in _references(rooms, app, names):
        if parent in known and parent not in names:
            raise NotExemptError(f"{child} refers to {parent}, whose rows go", f"leave both: --except {parent}")


def _references(rooms: Rooms, app: App, names: Collection[str]) -> Iterable[tuple[str, str]]:
    """The references of tables that are left: child and parent."""
    if any(name.startswith("d1/") for name in names):
        tables = Schema.of(rooms.d1(app).query(OBJECTS)).tables
        for name in sorted(names):
            shape = tables.get(name.removeprefix("d1/"))
            yield from ((name, f"d1/{parent}") for parent in sorted(shape.parents if shape is not None else ()))
    if any(name.startswith("app_postgres/") for name in names):
        for row in rooms.app_postgres(app).fetch(read_sql("export/references.sql")):
            child, parent = (f"app_postgres/{row[end]}" for end in ("child", "parent"))
            if child in names:
                yield child, parent

"""Exports that people ask for in the application: made once each, and answered in the table where they were asked for.

A run that is killed makes the same ZIP again under the same name. What does not belong here: the ZIP (make.py), the
table (privacy/requests_table.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from assets.apps import App
from assets.erasure.exports import folders
from assets.erasure.identify import NotIdentifiedError, asked_in, identify
from assets.export.make import make
from assets.privacy.identity import Identity
from assets.privacy.requests_table import RequestsTable, requests_of
from assets.rooms import Rooms
from resources.counts import counted
from resources.d1.times import stamp
from resources.declined import DeclinedError

LIFETIME = timedelta(days=3)
"""For how long a URL reads an export; the ZIP is deleted after 7 days."""


class ExportsHeldUpError(DeclinedError):
    """Exports were not made because a store failed; all others were. They stay asked for."""

    retryable = True


@dataclass
class Answered:
    """What a run did: how many exports were made, answered with one that was there, refused, and let expire."""

    made: int = 0
    repeated: int = 0
    refused: int = 0
    expired: int = 0
    failed: list[str] = field(default_factory=list)


def due(rooms: Rooms, app: App) -> list[str]:
    """The requests that wait for an export, and those whose URL has expired."""
    table = requests_of(rooms, app, "export")
    ready = table.read("ready", at=stamp(rooms.clock()))
    return [row["id"] for row in (*table.read("requested"), *(row for row in ready if row["has_expired"]))]


def answer(rooms: Rooms, app: App) -> Answered:
    """Make the exports that are asked for. A second request of a person is answered with the export that is there.

    Raises:
        ExportsHeldUpError: a store failed for some.
    """
    done, table = Answered(), requests_of(rooms, app, "export")
    with rooms.postgres.lock(f"{app.name}.privacy.exports"):
        for row in table.read("ready", at=stamp(rooms.clock())):
            if row["has_expired"]:
                _report(rooms, table, row["id"], "expired", object_key=row["object_key"])
                done.expired += 1
        for row in table.read("requested"):
            try:
                _answer_one(rooms, app, table, row, done)
            except NotIdentifiedError as refusal:
                _report(rooms, table, row["id"], "refused", refusal.reason)
                done.refused += 1
            except Exception as error:  # noqa: BLE001 (an error of any store holds up this export alone)
                # A store's own words may hold a value of the person.
                done.failed.append(error.reason if isinstance(error, DeclinedError) else type(error).__name__)
    if done.failed:
        raise ExportsHeldUpError(
            f"{counted(len(done.failed), 'export')} of {app.name} failed: {', '.join(sorted(set(done.failed)))}",
            "run the same again; what was made stays",
        )
    return done


def _answer_one(rooms: Rooms, app: App, table: RequestsTable, row: Mapping[str, Any], done: Answered) -> None:
    identity = identify(rooms, app, asked_in(row), row["id"]).identity
    found = _there(rooms, app, table, identity)
    if found is not None:
        given = {name: found[name] for name in ("object_key", "url", "expires_at")}
        done.repeated += 1
    else:
        export = make(rooms, app, identity, LIFETIME)
        given = {"object_key": export.key, "url": export.url, "expires_at": stamp(export.expires_at)}
        done.made += 1
    _report(rooms, table, row["id"], "ready", **given)


def _there(rooms: Rooms, app: App, table: RequestsTable, identity: Identity) -> dict[str, Any] | None:
    """The row of an export of this person that can still be read."""
    own = tuple(f"{folder}/" for folder in folders(rooms, app, identity))
    for row in table.read("ready", at=stamp(rooms.clock())):
        is_own = str(row["object_key"]).startswith(own)
        if is_own and not row["has_expired"] and rooms.object_store.exists(row["object_key"]):
            return row
    return None


def _report(rooms: Rooms, table: RequestsTable, request: str, state: str, why: str = "", **given: Any) -> None:
    of_export = {name: given.get(name) for name in ("object_key", "url", "expires_at")}
    table.report(id=request, state=state, why=why, at=stamp(rooms.clock()), **of_export)

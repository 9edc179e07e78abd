"""Requests to be erased, and their states: a row each in our Postgres.

received → identified → confirmed → waiting → running → verifying → done. A request ends as done, refused or cancelled.
One that failed is open: the next run goes on with it. While it is open, what identifies the person is sealed in it; at
its end that is dropped, and only a keyed hash stays. From when it waits on it is noted beside the backups too, before
the commit (taken_up.py). What does not belong here: the work on a request (run.py).
"""

import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

from assets.apps import App
from assets.audit.entry import Entry
from assets.audit.note import append
from assets.backups import noted_requests
from assets.backups.target import Target
from assets.erasure.exemptions import Exemption
from assets.erasure.identify import Asked
from assets.erasure.request import (
    BEGUN,
    ENDED,
    NOT_BEGUN,
    Origin,
    Request,
    State,
    Step,
    columns_of,
    document_of,
    identity_of,
    request_of,
    request_of_columns,
)
from assets.privacy.identity import Erased, Identity
from assets.privacy.tombstones import Keys, keyed_hash, subjects_of
from assets.rooms import Rooms
from resources.declined import DeclinedError
from resources.postgres import Connection, Postgres
from resources.sql_files import read_sql


def again_by(app: App) -> str:
    """The command that goes on with requests that have begun."""
    return f"`clearlift job erase --app {app.name}`"


def shows(app: App) -> str:
    """The command that shows how far requests are, in a clause."""
    return f"`clearlift privacy status --app {app.name}` shows what is done"


def ends(app: App, request: str) -> str:
    """The command that ends a request which has not begun, in a clause."""
    return f"wait for it, or end it by `clearlift privacy cancel {request} --app {app.name}` and ask again"


def lock_of(app: App) -> str:
    """The lock under which people of an app are erased, and exported: else a new export would outlive its person."""
    return f"{app.name}.privacy.erasure"


class RepeatedError(DeclinedError):
    """The same person is being erased already. Nothing was done."""


class NotOpenError(DeclinedError):
    """A request is not in a state in which this can be done. Nothing was done."""


@dataclass(frozen=True)
class Requests:
    """The requests of one app. target: where they are noted."""

    app: App
    postgres: Postgres
    keys: Keys
    target: Callable[[], Target]

    @classmethod
    def of(cls, rooms: Rooms, app: App) -> Self:
        """Those of an app in our stores."""
        # Commands that only show requests start without the methods of backups.
        from assets.backups.covered import target_of

        return cls(app, rooms.postgres, lambda: rooms.keyring, lambda: target_of(rooms))

    def all(self, connection: Connection | None = None) -> list[Request]:
        """All there ever were, the newest first. connection: whose transaction reads them, where one is open."""
        return [request_of(row) for row in self._rows(connection)]

    def get(self, id_: str, connection: Connection | None = None) -> Request:
        """The request of an id; see `all`.

        Raises:
            NotOpenError: there is none.
        """
        for request in self.all(connection):
            if request.id == id_:
                return request
        raise NotOpenError(f"{self.app.name} has no request {id_!r}", "`clearlift privacy status` lists them")

    def receive(
        self, asked: Asked, origin: Origin, at: datetime, id_: str = "", exemption: Exemption | None = None
    ) -> Request:
        """A new request; the same one where this id was received before.

        Raises:
            RepeatedError: another request for the same id is open.
        """
        request = id_ or str(uuid.uuid4())
        with self.postgres.lock(f"{self.app.name}.privacy.requests") as connection:
            hashed = keyed_hash(connection, *asked.tombstone, self.keys)
            given = {"app": self.app.name, "id": request, "hash": hashed}
            twice = connection.execute(read_sql("privacy/open_request.sql"), given).fetchone()
            if twice is not None:
                begun = twice["state"] in BEGUN
                step = f"{again_by(self.app)} goes on with it" if begun else ends(self.app, twice["id"])
                raise RepeatedError(f"request {twice['id']} for the same id is {twice['state']}", step)
            values = {
                **given,
                "kind": "organisation" if asked.is_organisation else "person",
                "origin": origin,
                "sealed": self._sealed(request, {"asked": vars(asked)}),
                "exemption": None if exemption is None else json.dumps(exemption.document),
                "at": at,
            }
            connection.execute(read_sql("privacy/receive.sql"), values)
        return self.get(request)

    def asked(self, request: Request) -> Asked:
        """What an open request was given."""
        return Asked(**self._opened(request)["asked"])

    def identity(self, request: Request) -> Identity:
        """Whom an open request means, once it was identified."""
        return identity_of(request, self._opened(request)["identity"])

    def identified(self, request: Request, identity: Identity, plan: Sequence[str], at: datetime) -> Request:
        """Keep whom it means, sealed, and the stores as they are now."""
        return self.move(request, ("received",), "identified", at, identity=identity, plan=plan)

    def confirmed(self, request: Request, waits_until: datetime, at: datetime) -> Request:
        """Let it wait until it may begin. It can be cancelled until then."""
        confirmed = self.move(request, ("identified",), "confirmed", at)
        known = self._opened(request)
        with self.postgres.connection() as connection:
            self.move(confirmed, ("confirmed",), "waiting", at, waits_until=waits_until, connection=connection)
            self._put_note(replace(confirmed, state="waiting", changed_at=at, waits_until=waits_until), known)
        return self.get(request.id)

    def cancelled(self, request: Request, at: datetime) -> Request:
        """End it before it has begun.

        Raises:
            NotOpenError: it has begun, or it is the end of an exemption.
        """
        if request.origin == "exemption":
            raise NotOpenError(
                f"request {request.id} erases what was left for a reason, so that it cannot be cancelled",
                f"`clearlift privacy status --app {self.app.name}` shows until when it waits",
            )
        with self.postgres.connection() as connection:
            self.move(request, NOT_BEGUN, "cancelled", at, connection=connection)
            self._put_note(replace(request, state="cancelled", changed_at=at, ended_at=at), None)
        noted_requests.remove_older(self.target(), self.app.name)
        return self.get(request.id)

    def note(self, request: Request) -> None:
        """Note beside the backups how a request is, if it is open with whom it means.

        Raises:
            TargetError: the place of the backups refuses or does not answer.
        """
        self._put_note(request, self._opened(request) if request.is_open else None)

    def _put_note(self, request: Request, known: Any) -> None:
        document = {**columns_of(request), "known": known}
        noted_requests.note(
            self.target(), self.app.name, request.id, request.changed_at, document, is_open=request.is_open
        )

    def move(
        self,
        request: Request,
        before: Sequence[State],
        after: State,
        at: datetime,
        *,
        why: str = "",
        identity: Identity | None = None,
        plan: Sequence[str] | None = None,
        waits_until: datetime | None = None,
        receipt: str | None = None,
        connection: Connection | None = None,
    ) -> Request:
        """Change the state, if it is one of those before.

        Raises:
            NotOpenError: it is in another state.
        """
        sealed = None
        if identity is not None:
            sealed = self._sealed(request.id, {**self._opened(request), "identity": document_of(identity)})
        given = {
            "app": self.app.name,
            "id": request.id,
            "from": list(before),
            "to": after,
            "at": at,
            "why": why,
            "sealed": sealed,
            "plan": None if plan is None else json.dumps(list(plan)),
            "waits_until": waits_until,
            "receipt": receipt,
            "ended": after in ENDED,
        }
        statement = read_sql("privacy/move.sql")
        if connection is not None:
            changed = connection.execute(statement, given).rowcount
        else:
            changed = self.postgres.execute(statement, given)
        if not changed:
            now = self.get(request.id, connection).state
            raise NotOpenError(
                f"request {request.id} is {now}, and no longer {' or '.join(before)}",
                f"`clearlift privacy status --app {self.app.name}` shows it",
            )
        return self.get(request.id) if connection is None else request

    def leave(self, connection: Connection, request: Request, subjects: Sequence[tuple[str, str]]) -> None:
        """Note whose rows a restore puts back into tables that are left; nobody's where nothing is left any more."""
        if request.exemption is None:
            return
        left = subjects if request.leaves is not None else ()
        hashes = [keyed_hash(connection, *subject, self.keys) for subject in left]
        given = {"app": self.app.name, "id": request.id, "hashes": hashes}
        connection.execute(read_sql("privacy/exempt.sql"), given)

    def done(self, request: Request, identity: Identity, receipt: str, at: datetime) -> Request:
        """End it; in the same transaction begin the request that erases what it leaves."""
        exemption = request.leaves
        known = None if exemption is None else {**self._opened(request), "identity": document_of(identity)}
        with self.postgres.connection() as connection:
            self.move(request, ("verifying",), "done", at, receipt=receipt, connection=connection)
            if exemption is not None:
                due = exemption.ends
                left = replace(
                    request, id=request.follow_up, origin="exemption", state="waiting", received_at=due, changed_at=at,
                    waits_until=due, why="",
                )  # fmt: skip
                self._put_note(left, known)
                self._put(connection, left, known)
            ended = replace(request, state="done", changed_at=at, ended_at=at, why="", receipt=receipt)
            self._put_note(ended, None)
        noted_requests.remove_older(self.target(), self.app.name)
        return self.get(request.id)

    def take_up(self, noted: Any) -> bool:
        """Write a request as it was noted, where our Postgres has none or an older state; whether it did. While another
        request for the same id is open, it does not.
        """
        known = noted.pop("known")
        request = request_of_columns(noted)
        with self.postgres.lock(f"{self.app.name}.privacy.requests") as connection:
            if known is not None:
                # Another Postgres has another secret.
                hashed = keyed_hash(connection, *Asked(**known["asked"]).tombstone, self.keys)
                request = replace(request, subject_hash=hashed)
                given = {"app": self.app.name, "id": request.id, "hash": hashed}
                if connection.execute(read_sql("privacy/open_request.sql"), given).fetchone() is not None:
                    return False
            return self._put(connection, request, known)

    def _put(self, connection: Connection, request: Request, known: Any) -> bool:
        """Write a whole request, where none or an older state of it is. known: whom it means, if it is open."""
        left = subjects_of(identity_of(request, known["identity"])) if request.origin == "exemption" and known else ()
        given = {
            **columns_of(request),
            "sealed": None if known is None else self._sealed(request.id, known),
            "hashes": [keyed_hash(connection, *subject, self.keys) for subject in left],
        }
        return connection.execute(read_sql("privacy/put.sql"), given).rowcount > 0

    def steps(self, request: Request) -> dict[str, Step]:
        """What was done for a request, by place."""
        rows = self.postgres.fetch(read_sql("privacy/steps.sql"), {"app": self.app.name, "request": request.id})
        return {
            row["place"]: Step(
                Erased(row["place"], row["rows"], row["objects"], row["written"], row["gone_by"]), row["done_at"]
            )
            for row in rows
        }

    def record(self, requests: Sequence[Request], position: int, erased: Erased, at: datetime) -> None:
        """Note that a store was done for requests that were carried out together."""
        with self.postgres.connection() as connection:
            for request in requests:
                values = {"app": self.app.name, "request": request.id, "position": position, "at": at, **vars(erased)}
                connection.execute(read_sql("privacy/record_step.sql"), values)
            append(connection, [self._entry(request, erased, alone=len(requests) == 1) for request in requests], at)

    def _entry(self, request: Request, erased: Erased, *, alone: bool) -> Entry:
        """For the audit trail. Of requests that shared the work nobody knows how many rows were whose."""
        rows = erased.rows + erased.objects if alone else None
        work, subject = f"erasure {request.id}", request.subject_hash.hex()
        return Entry(self.app.name, work, "changed", erased.place, "a person", rows=rows, subject=subject)

    def forget_steps(self, request: Request) -> None:
        """Let the next run go through all stores again."""
        statement = "delete from privacy.steps where app = %(app)s and request = %(request)s"
        self.postgres.execute(statement, {"app": self.app.name, "request": request.id})

    def _rows(self, connection: Connection | None = None) -> list[dict[str, Any]]:
        statement, given = read_sql("privacy/requests.sql"), {"app": self.app.name}
        if connection is None:
            return self.postgres.fetch(statement, given)
        return connection.execute(statement, given).fetchall()

    def _sealed(self, request: str, document: Any) -> bytes:
        return self.keys().seal(json.dumps(document).encode(), **_place(request))

    def _opened(self, request: Request) -> dict[str, Any]:
        sealed = next((row["sealed"] for row in self._rows() if row["id"] == request.id), None)
        if sealed is None:
            raise NotOpenError(f"request {request.id} has ended", "begin another one")
        found: dict[str, Any] = json.loads(self.keys().open(bytes(sealed), **_place(request.id)))
        return found


def _place(request: str) -> dict[str, str]:
    return {"table": "privacy.requests", "column": "sealed", "row": request}

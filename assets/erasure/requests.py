"""Requests to be erased, and their states: a row each in our Postgres.

received → identified → confirmed → waiting → running → verifying → done. A request ends as done, refused or cancelled.
One that failed is open: the next run goes on with it. While it is open, what identifies the person is sealed in it; at
its end that is dropped, and only a keyed hash stays. What does not belong here: the work on a request (run.py).
"""

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from assets.apps import App
from assets.audit.entry import Entry
from assets.audit.note import append
from assets.erasure.deadlines import deadline
from assets.erasure.exemptions import Exemption
from assets.erasure.identify import Asked
from assets.privacy.identity import Erased, Identity
from assets.privacy.tombstones import Keys, keyed_hash, subjects_of
from resources.declined import DeclinedError
from resources.postgres import Connection, Postgres
from resources.sql_files import read_sql

State = Literal[
    "received", "identified", "confirmed", "waiting", "running", "verifying", "done", "refused", "failed", "cancelled"
]
Origin = Literal["command", "application", "exemption"]
ENDED: frozenset[State] = frozenset({"done", "refused", "cancelled"})
BEGUN: tuple[State, ...] = ("running", "verifying", "failed")
_SETS = ("organisation", "texts", "keys", "within", "elsewhere")
NOT_BEGUN: tuple[State, ...] = ("received", "identified", "confirmed", "waiting")


def again_by(app: App) -> str:
    """The command that goes on with requests that have begun."""
    return f"`clearlift job erase --app {app.name}`"


def shows(app: App) -> str:
    """The command that shows how far requests are, in a clause."""
    return f"`clearlift privacy status --app {app.name}` shows what is done"


class RepeatedError(DeclinedError):
    """The same person is being erased already. Nothing was done."""


class NotOpenError(DeclinedError):
    """A request is not in a state in which this can be done. Nothing was done."""


@dataclass(frozen=True)
class Step:
    """What was done in one store."""

    erased: Erased
    at: datetime


@dataclass(frozen=True)
class Request:
    """A request, without whom it means."""

    app: str
    id: str
    kind: str
    origin: Origin
    state: State
    subject_hash: bytes = field(repr=False)
    received_at: datetime
    changed_at: datetime
    waits_until: datetime | None
    ended_at: datetime | None
    why: str
    receipt: str
    plan: tuple[str, ...]
    exemption: Exemption | None = None

    @property
    def leaves(self) -> Exemption | None:
        """What it leaves; a request that ends an exemption leaves nothing."""
        return None if self.origin == "exemption" else self.exemption

    @property
    def follow_up(self) -> str:
        """The id of the request that erases what this one leaves."""
        return f"{self.id}-exempted"

    @property
    def deadline(self) -> datetime:
        """When it must be done."""
        return deadline(self.received_at)

    @property
    def is_open(self) -> bool:
        """Whether something is still to be done."""
        return self.state not in ENDED


@dataclass(frozen=True)
class Requests:
    """The requests of one app."""

    app: App
    postgres: Postgres
    keys: Keys

    def all(self) -> list[Request]:
        """All there ever were, the newest first."""
        return [_request(row) for row in self._rows()]

    def get(self, id_: str) -> Request:
        """The request of an id.

        Raises:
            NotOpenError: there is none.
        """
        for request in self.all():
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
                step = f"{again_by(self.app)} goes on with it" if twice["state"] in BEGUN else shows(self.app)
                raise RepeatedError(f"request {twice['id']} for the same id is {twice['state']}", step)
            values = {
                **given,
                "kind": "organisation" if asked.is_organisation else "person",
                "origin": origin,
                "sealed": self._sealed(request, {"asked": vars(asked)}),
                "exemption": _json(exemption),
                "at": at,
            }
            connection.execute(read_sql("privacy/receive.sql"), values)
        return self.get(request)

    def asked(self, request: Request) -> Asked:
        """What an open request was given."""
        return Asked(**self._opened(request)["asked"])

    def identity(self, request: Request) -> Identity:
        """Whom an open request means, once it was identified."""
        found = self._opened(request)["identity"]
        return Identity(
            request.id,
            self.app.name,
            {kind: frozenset(ids) for kind, ids in found["ids"].items()},
            *(frozenset(found.get(name, ())) for name in _SETS),
        )

    def identified(self, request: Request, identity: Identity, plan: Sequence[str], at: datetime) -> Request:
        """Keep whom it means, sealed, and the stores as they are now."""
        return self.move(request, ("received",), "identified", at, identity=identity, plan=plan)

    def confirmed(self, request: Request, waits_until: datetime, at: datetime) -> Request:
        """Let it wait until it may begin. It can be cancelled until then."""
        confirmed = self.move(request, ("identified",), "confirmed", at)
        return self.move(confirmed, ("confirmed",), "waiting", at, waits_until=waits_until)

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
        return self.move(request, NOT_BEGUN, "cancelled", at)

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
            sealed = self._sealed(request.id, {**self._opened(request), "identity": _document(identity)})
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
            raise NotOpenError(
                f"request {request.id} is {self.get(request.id).state}, and no longer {' or '.join(before)}",
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
        document = None if exemption is None else {**self._opened(request), "identity": _document(identity)}
        with self.postgres.connection() as connection:
            self.move(request, ("verifying",), "done", at, receipt=receipt, connection=connection)
            if exemption is not None:
                subjects = subjects_of(identity)
                given = {
                    "app": self.app.name,
                    "id": request.follow_up,
                    "kind": request.kind,
                    "hash": request.subject_hash,
                    "sealed": self._sealed(request.follow_up, document),
                    "plan": json.dumps(list(request.plan)),
                    "due": exemption.ends,
                    "at": at,
                    "exemption": _json(exemption),
                    "hashes": [keyed_hash(connection, *subject, self.keys) for subject in subjects],
                }
                connection.execute(read_sql("privacy/follow_up.sql"), given)
        return self.get(request.id)

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

    def _rows(self) -> Iterator[dict[str, Any]]:
        yield from self.postgres.fetch(read_sql("privacy/requests.sql"), {"app": self.app.name})

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


def _document(identity: Identity) -> dict[str, Any]:
    return {
        "ids": {kind: sorted(ids) for kind, ids in identity.ids.items()},
        **{name: sorted(getattr(identity, name)) for name in _SETS},
    }


def _request(row: dict[str, Any]) -> Request:
    return Request(
        row["app"],
        row["id"],
        row["kind"],
        row["origin"],
        row["state"],
        bytes(row["subject_hash"]),
        row["received_at"],
        row["changed_at"],
        row["waits_until"],
        row["ended_at"],
        row["why"],
        row["receipt"],
        tuple(row["plan"]),
        None if row["exemption"] is None else Exemption.of(row["exemption"]),
    )


def _json(exemption: Exemption | None) -> str | None:
    return None if exemption is None else json.dumps(exemption.document)

"""What a request to be erased is, and its forms: a row of our Postgres, a note beside the backups, whom it means.

What does not belong here: storing it, and its way through the states (requests.py).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from assets.erasure.deadlines import deadline
from assets.erasure.exemptions import Exemption
from assets.privacy.identity import Erased, Identity

State = Literal[
    "received", "identified", "confirmed", "waiting", "running", "verifying", "done", "refused", "failed", "cancelled"
]
Origin = Literal["command", "application", "exemption"]
ENDED: frozenset[State] = frozenset({"done", "refused", "cancelled"})
BEGUN: tuple[State, ...] = ("running", "verifying", "failed")
NOT_BEGUN: tuple[State, ...] = ("received", "identified", "confirmed", "waiting")
_SETS = ("organisation", "texts", "keys", "within", "elsewhere")
_TIMES = ("received_at", "changed_at", "waits_until", "ended_at")


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


def request_of(row: Mapping[str, Any]) -> Request:
    """A request from its row."""
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


def columns_of(request: Request) -> dict[str, str | None]:
    """Its row as texts, without whom it means."""
    exemption = request.exemption
    texts = {name: getattr(request, name) for name in ("app", "id", "kind", "origin", "state", "why", "receipt")}
    times = {name: at and at.isoformat() for name in _TIMES for at in [getattr(request, name)]}
    return {
        **texts,
        **times,
        "subject_hash": request.subject_hash.hex(),
        "plan": json.dumps(list(request.plan)),
        "exemption": None if exemption is None else json.dumps(exemption.document),
    }


def request_of_columns(columns: Mapping[str, str | None]) -> Request:
    """A request from what `columns_of` made of it."""
    times = {name: text and datetime.fromisoformat(text) for name in _TIMES for text in [columns[name]]}
    parsed = {name: json.loads(columns[name] or "null") for name in ("plan", "exemption")}
    return request_of({**columns, **times, **parsed, "subject_hash": bytes.fromhex(columns["subject_hash"] or "")})


def identity_of(request: Request, document: Mapping[str, Any]) -> Identity:
    """Whom a request means, from what `document_of` made of it."""
    return Identity(
        request.id,
        request.app,
        {kind: frozenset(ids) for kind, ids in document["ids"].items()},
        *(frozenset(document.get(name, ())) for name in _SETS),
    )


def document_of(identity: Identity) -> dict[str, Any]:
    """Whom a request means, as JSON."""
    return {
        "ids": {kind: sorted(ids) for kind, ids in identity.ids.items()},
        **{name: sorted(getattr(identity, name)) for name in _SETS},
    }

"""One entry of the audit trail, and the hash that ties it to the one before it. Pure.

What does not belong here: writing and reading entries (note.py, chain.py). sql/pipelines/postgres makes the same hash.
"""

import getpass
import hashlib
import json
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

Act = Literal["read", "changed"]
# Made once: to make an encoder takes longer than an entry.
_AS_JSON = json.JSONEncoder(ensure_ascii=False).encode


def account() -> str:
    """Who works here: the account of this machine."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


@dataclass(frozen=True)
class Entry:
    """An act on personal data.

    app: whose data it is. work: the command or job, such as "clearlift archive restore". store, place: where, such as
    "d1" and a table, a prefix or a set of a backup. columns: the personal ones that were touched; empty for all of the
    place. rows: how many rows, lines or objects; None where it is not known. subject: the keyed hash of the person whom
    it is about, as hexadecimal digits; None where it is about several. actor: who did it.
    """

    app: str
    work: str
    act: Act
    store: str
    place: str
    columns: Sequence[str] = ()
    rows: int | None = None
    subject: str | None = None
    actor: str = field(default_factory=account)


def link(before: bytes, seq: int, at: datetime, entry: Entry) -> bytes:
    """The hash of the entry with a number and a moment; `before` is the hash of the entry before it, empty at first."""
    parts: list[Any] = [
        seq,
        f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z",
        *(entry.app, entry.actor, entry.work, entry.act, entry.store, entry.place),
        *(list(entry.columns), entry.rows, entry.subject),
    ]
    return hashlib.sha256(before + _AS_JSON(parts).encode()).digest()

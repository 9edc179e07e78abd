"""The receipt of an erasure: what was done, where and when, what stays and why. It leads to nobody.

It lies in R2 as JSON. What belongs here: its content and its place. What does not: the proof itself (search).
"""

import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from assets.apps import App
from assets.erasure.request import Request
from assets.erasure.requests import Requests
from assets.rooms import Rooms

PREFIX = "privacy/receipts/"


class Kept(Protocol):
    """Where the registry keeps something for a reason."""

    @property
    def place(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def kept(self) -> str: ...


def backups_gone(at: datetime, kept: tuple[int, int, int]) -> date:
    """The day on which the last backup of before is gone, by how many days, weeks and months have one that stays.

    A set stays a week longer where others stand on it, and a day more until its parts are removed.
    """
    days, weeks, months = kept
    return (at + timedelta(days=max(days, weeks * 7, months * 31) + 8)).date()


def put(
    rooms: Rooms,
    app: App,
    requests: Requests,
    request: Request,
    kept: Sequence[Kept],
    *,
    together: int,
    backups: date,
) -> str:
    """Write the receipt of a request of which nothing was found; its key. Writing it again changes its time alone."""
    key = f"{PREFIX}{app.name}/{request.id}.json"
    document = content(app, requests, request, kept, together=together, at=rooms.clock(), backups=backups)
    rooms.object_store.put(key, json.dumps(document, indent=1, default=str).encode())
    return key


def content(
    app: App,
    requests: Requests,
    request: Request,
    kept: Sequence[Kept],
    *,
    together: int,
    at: datetime,
    backups: date,
) -> dict[str, Any]:
    """The receipt as JSON. together: how many requests shared the counts. backups: when the last one is gone."""
    exempt = request.leaves
    return {
        "request": request.id,
        "app": app.name,
        "kind": request.kind,
        "subject_hmac_sha256": request.subject_hash.hex(),
        "received": request.received_at,
        "deadline": request.deadline,
        "proved": at,
        "requests_carried_out_together": together,
        "stores": [
            {
                "place": place,
                "rows": step.erased.rows,
                "objects": step.erased.objects,
                "bytes_written_again": step.erased.written,
                "gone_by": step.erased.gone_by,
                "at": step.at,
            }
            for place, step in requests.steps(request).items()
        ],
        "backups": {
            "gone_by": backups,
            "until_then": "every restore leaves out who was erased",
        },
        "found": 0,
        "kept": sorted({(hit.place, hit.name, hit.kept) for hit in kept}),
        "exempt": None if exempt is None else {**exempt.document, "erased_by_request": request.follow_up},
        "exemptions": list(_exemptions(app)),
    }


def _exemptions(app: App) -> Iterator[dict[str, str]]:
    """What the registry keeps of people, why, and until when."""
    ends = {
        (entry.store, entry.name): "never" if entry.delete_after_days is None else f"{entry.delete_after_days} days"
        for entry in app.lifecycles
    }
    for entry in app.holdings:
        if entry.erasure == "keep":
            end = ends.get((entry.store, entry.name), "never")
            yield {"store": entry.store, "name": entry.name, "reason": entry.reason, "deleted_after": end}

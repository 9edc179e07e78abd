"""D1's export protocol: ask until the dump is ready, then fetch it from a signed address that lives for an hour."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from resources.d1.database import D1Error
from resources.http import Session

MAX_POLLS = 3600
POLL_SECONDS = 1.0


def export(session: Session, post: Callable[[dict[str, Any]], dict[str, Any]], destination: BinaryIO | Path) -> int:
    """Poll with `post` and write the dump to `destination` (a path gets its name when the file is whole); its bytes.

    D1 drops an export that nobody asks after, so the polls follow each other by a second.
    """
    body: dict[str, Any] = {"output_format": "polling"}
    for _ in range(MAX_POLLS):
        state = post(body)
        status = state.get("status")
        if status == "complete":
            return _fetch(session, state["result"]["signed_url"], destination)
        if status == "error" or state.get("success") is False:
            raise D1Error(7500, f"the export failed: {state.get('error') or 'no reason was given'}")
        body["current_bookmark"] = state["at_bookmark"]
        session.pause(POLL_SECONDS)
    raise D1Error(7500, f"the export was not ready after {MAX_POLLS} polls")


def _fetch(session: Session, url: str, destination: BinaryIO | Path) -> int:
    if not isinstance(destination, Path):
        return session.download(url, destination, route="d1 dump")
    part = destination.with_name(destination.name + ".part")
    with part.open("wb") as file:
        size = session.download(url, file, route="d1 dump")
    part.replace(destination)
    return size

"""D1's export protocol: poll until the dump is ready, then fetch it from a signed URL, which is valid for an hour."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from resources.d1.database import D1Error
from resources.http import Session

MAX_POLLS = 3600
POLL_SECONDS = 1.0


def export(session: Session, post: Callable[[dict[str, Any]], dict[str, Any]], destination: BinaryIO | Path) -> int:
    """Poll with `post` and write the dump to `destination`; its bytes.

    There is one second between two polls, because D1 drops an export without polls.
    """
    body: dict[str, Any] = {"output_format": "polling"}
    for _ in range(MAX_POLLS):
        state = post(body)
        status = state.get("status")
        if status == "complete":
            fetch = partial(session.download, state["result"]["signed_url"], route="d1 dump")
            return write_whole(destination, fetch)
        if status == "error" or state.get("success") is False:
            raise D1Error(7500, f"the export failed: {state.get('error') or 'no reason was given'}")
        body["current_bookmark"] = state["at_bookmark"]
        session.pause(POLL_SECONDS)
    raise D1Error(7500, f"the export was not ready after {MAX_POLLS} polls")


def write_whole(destination: BinaryIO | Path, write: Callable[[BinaryIO], int]) -> int:
    """Write to an open file, or to a path that gets its name when the file is whole; what `write` returns."""
    if not isinstance(destination, Path):
        return write(destination)
    part = destination.with_name(destination.name + ".part")
    with part.open("wb") as file:
        size = write(file)
    part.replace(destination)
    return size

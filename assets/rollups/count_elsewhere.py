"""The counts of a heavy day by another engine: the task for it, and what it wrote.

The program there counts each organisation and window by counting.py. What does not belong here: starting it
(assets/other_engine.py), and how the rows get into Postgres (build.py).
"""

import io
from typing import Any

import polars as pl

from assets.other_engine import Elsewhere, OtherEngineError
from assets.rollups.counting import Counted
from assets.rollups.definition import COLUMNS, CUTS, Grain
from assets.rollups.window_events import WindowEvents
from resources.lake import DamagedFilesError

# What the program writes: a row a part and cut, with the rows of the cut as an Arrow stream.
CUT, PAYLOAD = "cut", "payload"
FIGURES = ("events", "doubles", "not_summed")


def is_for_it(events: WindowEvents, elsewhere: Elsewhere) -> bool:
    """Whether the files are large enough, and such that the program can read them: ours have field ids."""
    size = sum(info.bytes for info in events.files)
    return size >= elsewhere.from_bytes and all(
        events.table.wrote(info.file) and not info.has_deletes for info in events.files
    )


def count_elsewhere(events: WindowEvents, grain: Grain, elsewhere: Elsewhere) -> Counted:
    """The counts of events.

    Raises:
        DamagedFilesError: files of theirs are damaged or missing.
        OtherEngineError: the engine failed, or did not read every row of the files.
    """
    table, files = events.table, events.files
    target = table.work_folder()
    try:
        (said,) = elsewhere.do(task(events, grain, target), answers=1)
        expected = sum(info.rows for info in files)
        if said["rows_read"] != expected:
            raise OtherEngineError(
                f"the other engine read {said['rows_read']} rows of {expected}", "`clearlift lake verify`"
            )
        counted = _counted(table.rows_in(target), said["parts"])
    except OtherEngineError:
        if damaged := [info for info in files if not table.is_whole(info.file)]:
            names = ", ".join(info.path.rpartition("/")[2] for info in damaged)
            keys = [info.partition for info in damaged]
            raise DamagedFilesError(f"damaged or missing: {names}", [info.file for info in damaged], keys) from None
        raise
    table.discard_folder(target)
    return counted


def task(events: WindowEvents, grain: Grain, target: str) -> dict[str, Any]:
    """What the program has to know; docs/scaling.md describes it."""
    window = events.window
    return {
        "work": "count",
        "grain": grain.value,
        "start": window.start.isoformat(),
        "end": window.end.isoformat(),
        "organisations": None if events.orgs is None else sorted(events.orgs),
        "without": sorted(events.without),
        "columns": events.table.described(COLUMNS),
        "sources": [info.path for info in events.files],
        "target": target,
    }


def parts_of(counted: Counted) -> list[dict[str, Any]]:
    """What the program writes of a part, a row a cut."""
    figures = {name: getattr(counted, name) for name in FIGURES}
    found = []
    for cut in CUTS:
        stream = io.BytesIO()
        counted.rows[cut].write_ipc_stream(stream)
        found.append({CUT: cut.name, PAYLOAD: stream.getvalue(), **figures})
    return found


def _counted(written: pl.DataFrame, parts: int) -> Counted:
    rows = {}
    for cut in CUTS:
        of_cut = written.filter(pl.col(CUT) == cut.name)
        if of_cut.height != parts:
            raise OtherEngineError(f"the other engine wrote {of_cut.height} parts of {parts}", "run it again")
        rows[cut] = pl.concat([pl.read_ipc_stream(payload) for payload in of_cut[PAYLOAD]])
    figures = written.filter(pl.col(CUT) == CUTS[0].name).select(FIGURES).sum().row(0)
    return Counted(rows, *map(int, figures))

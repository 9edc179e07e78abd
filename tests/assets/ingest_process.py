"""A process of its own over a test's stores, to be killed or left to work beside another. Run with `python -m`.

Arguments: the database's DSN, the folder, and what to do once a line comes on standard input:
`ingest`, `compact` (merge all that there is, once), or `write NUMBER` (append that many times, by turns as another
writer does with pyiceberg alone and as we do; every third event goes in twice). Says `ready` before, and after each
append the ids that were appended.
"""

import random
import sys
import time
from pathlib import Path

from pyiceberg.exceptions import CommitFailedException

from assets.events.record import NAMES
from resources.postgres import Postgres
from tests.assets.event_pipeline import Pipeline, line, written
from tests.resources.lake.opened import opened


def main(dsn: str, folder: str, action: str, number: str = "0") -> None:
    with Postgres(dsn) as postgres, opened(postgres, Path(folder)) as lake:
        pipeline = Pipeline(postgres, lake, Path(folder))
        print("ready", flush=True)  # noqa: T201 (what the parent waits for)
        sys.stdin.readline()
        match action:
            case "ingest":
                pipeline.ingested(sweep=True)
            case "compact":
                pipeline.compact()
            case "write":
                write(pipeline, int(number))


def write(pipeline: Pipeline, appends: int) -> None:
    doubled: list[bytes] = []
    for turn in range(appends):
        fresh = [line(100 * turn + i) for i in range(4)]
        lines, doubled = [*fresh, *doubled], fresh[::3]
        if turn % 2:
            pipeline.table.append(written(pipeline.table, *lines), f"turn {turn}")
        else:
            append_as_another(pipeline, lines)
        print(*(f"event-{100 * turn + i}" for i in range(4)), flush=True)  # noqa: T201 (the ledger of what was written)


def append_as_another(pipeline: Pipeline, lines: list[bytes]) -> None:
    """pyiceberg's public way, again for as long as somebody else is faster."""
    rows = pipeline.table.read(written(pipeline.table, *lines)).select(NAMES).collect()
    while True:
        try:
            pipeline.table.load().append(rows.to_arrow().cast(pipeline.table.spec.arrow_schema()))
        except CommitFailedException:
            time.sleep(random.uniform(0, 0.05))
        else:
            return


if __name__ == "__main__":
    main(*sys.argv[1:])

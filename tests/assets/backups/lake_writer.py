"""A process of its own that works on a test's lake until a line comes. Run with `python -m`.

Arguments: the database's DSN, the folder. Says `writing` once it has begun, and at the end the rows of each snapshot
that it made: its id, a space, and the rows.
"""

import select
import sys
from pathlib import Path

from resources.postgres import Postgres
from tests.assets.upkeep.memory_lake import MemoryLake, now
from tests.resources.lake.opened import opened
from tests.resources.lake.row_deletes import delete_rows


def main(dsn: str, folder: str) -> None:
    states: dict[int | None, str] = {}
    with Postgres(dsn) as postgres, opened(postgres, Path(folder)) as lake:
        side = MemoryLake(lake)

        def seen() -> None:
            states[side.table.head()[0]] = repr(side.rows())

        round_, asked = 0, False
        while not asked:
            round_ += 1
            side.append(side.visits("ann", "bob", f"visitor {round_}"))
            seen()
            if round_ % 3 == 0:
                delete_rows(side.table, side.table.files()[0].file, 0)
                seen()
                side.compact()
                seen()
                side.rewrite_manifests()
                seen()
                side.expire(now())
                side.sweep(now())
            if round_ == 3:
                print("writing", flush=True)  # noqa: T201 (what the parent waits for)
            asked = bool(select.select([sys.stdin], [], [], 0)[0])
    for snapshot, rows in states.items():
        print(snapshot, rows)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])

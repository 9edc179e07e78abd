"""A process of its own over a test's lake, which the system kills at one of its operations. Run with `python -m`.

Arguments: the database's DSN, the folder, an action of test_kills.py, the operation's name, and which of that name it
is (1 is the first). Says `ready`, and works once a line comes on standard input.
"""

import itertools
import os
import signal
import sys
from pathlib import Path

from resources.postgres import Postgres
from tests.assets.upkeep.memory_lake import MemoryLake
from tests.assets.upkeep.operations import watched
from tests.assets.upkeep.test_kills import ACTIONS
from tests.resources.lake.opened import opened


def main(dsn: str, folder: str, action: str, operation: str, number: str) -> None:
    with Postgres(dsn) as postgres, opened(postgres, Path(folder)) as lake:
        side = MemoryLake(lake)
        print("ready", flush=True)  # noqa: T201 (what the parent waits for)
        sys.stdin.readline()
        count = itertools.count(1)

        def at(named: str) -> None:
            if named == operation and next(count) == int(number):
                os.kill(os.getpid(), signal.SIGKILL)

        with watched(at):
            ACTIONS[action](side)


if __name__ == "__main__":
    main(*sys.argv[1:])

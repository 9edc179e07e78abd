"""A process of its own over a test's stores, which the system kills at one of its operations. Run with `python -m`.

Arguments: the database's DSN, the folder, `archive` or `restore`, the operation's name, and which of that name it is (1
is the first). Says `ready`, and works once a line comes on standard input.
"""

import itertools
import os
import signal
import sys
from pathlib import Path

from resources.postgres import Postgres
from tests.assets.archive.archive_stores import ArchiveStores
from tests.assets.archive.operations import watched
from tests.resources.lake.opened import opened


def main(dsn: str, folder: str, action: str, operation: str, number: str) -> None:
    with Postgres(dsn) as postgres, opened(postgres, Path(folder)) as lake:
        archive_stores = ArchiveStores(postgres, lake, Path(folder))
        print("ready", flush=True)  # noqa: T201 (what the parent waits for)
        sys.stdin.readline()
        count = itertools.count(1)

        def at(named: str, _: object) -> None:
            if named == operation and next(count) == int(number):
                os.kill(os.getpid(), signal.SIGKILL)

        with watched(at):
            if action == "archive":
                archive_stores.archive()
            else:
                archive_stores.restore(into="live")


if __name__ == "__main__":
    main(*sys.argv[1:])

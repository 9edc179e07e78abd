"""What killed restores left goes; a folder in use stays until its process ends."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import cast

from assets.apps.clearlift import APP
from assets.backups.scratch import scratch
from assets.erasure import working_folders
from assets.privacy.identity import Erased
from resources.postgres import Postgres
from resources.r2 import ObjectStore
from tests.rooms import TestRooms


def test_only_folders_of_dead_processes_go(tmp_path: Path) -> None:
    nothing = cast(Postgres, None), cast(ObjectStore, None)
    rooms = TestRooms(datetime(2026, 11, 1, tzinfo=UTC), *nothing, scratch=tmp_path / "scratch")
    eraser = working_folders.eraser(rooms, APP)
    assert eraser.erase([]) == Erased("working folders")
    with scratch(rooms.scratch) as in_use:
        (rooms.scratch / "killed").mkdir()

        done = eraser.erase([])

        assert done == Erased("working folders", objects=1, gone_by=date(2026, 11, 2))
        assert list(rooms.scratch.iterdir()) == [in_use]

"""What `clearlift backup restore` says of what came back."""

from datetime import UTC, datetime

from assets.backups.manifest import Table
from assets.backups.method import Restored
from assets.backups.restore import Done
from clearlift_pipelines.cli.backup import _what


def test_what_has_no_place_is_named() -> None:
    tables = (Table(name="public.t", rows=7, checksum=""),)
    left_out = tuple(f"index public.by_hand_{number}" for number in range(10))
    said = _what(Done((), Restored("1:1:", datetime(2026, 3, 2, tzinfo=UTC), tables, left_out=left_out), 0.1))
    assert said.startswith(
        "7 rows in 1 table as of 2026-03-02 00:00:00 UTC (position 1:1:), no place for index public.by"
    )
    assert said.endswith("index public.by_hand_7 and 2 more")

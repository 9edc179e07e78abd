"""What an hourly run of the compaction looks at: the last two days, and after midnight all of the table."""

from datetime import UTC, datetime

import pytest

from assets.compaction.plan import planned_since
from tests.assets.event_pipeline import Pipeline, line, written


@pytest.mark.parametrize(
    ("hour", "since"),
    [
        (None, None),
        ("2025-10-14-00:00", None),
        ("2025-10-14-01:00", datetime(2025, 10, 13, tzinfo=UTC)),
        ("2025-10-14-23:00", datetime(2025, 10, 13, tzinfo=UTC)),
        ("2025-11-01-05:00", datetime(2025, 10, 31, tzinfo=UTC)),
    ],
)
def test_an_hour_plans_two_days_and_midnight_all(hour: str | None, since: datetime | None) -> None:
    assert planned_since(hour) == since


def test_totals_are_those_of_the_live_files_after_every_kind_of_commit(pipeline: Pipeline) -> None:
    table = pipeline.table
    assert (table.totals().rows, table.totals().files, table.totals().bytes) == (0, 0, 0)
    for number in range(3):
        table.append(written(table, *(line(10 * number + n) for n in range(6))), f"append {number}")
        counted(pipeline)
    pipeline.compact()
    assert counted(pipeline) == 18
    table.load().delete("event_id = 'event-3'")
    assert counted(pipeline) == 17


def counted(pipeline: Pipeline) -> int:
    """Rows of the table, as its totals say and as its files do."""
    live, said = pipeline.table.files(), pipeline.table.totals()
    assert (said.rows, said.files, said.bytes) == (
        sum(f.rows for f in live),
        len(live),
        sum(f.bytes for f in live),
    )
    return said.rows

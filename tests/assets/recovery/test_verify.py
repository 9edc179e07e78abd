"""Verifying data files: every damaged one is found, and no whole one is."""

from datetime import date

import pytest

from assets.recovery.verify import verify
from assets.windows import day_window
from tests.assets.damage import DAMAGES, Damage, changed_value, local
from tests.assets.event_pipeline import Pipeline, line


@pytest.mark.parametrize("damage", [*DAMAGES, changed_value])
def test_every_damaged_file_is_found_and_no_other(pipeline: Pipeline, damage: Damage) -> None:
    pipeline.land(*(line(n) for n in range(9)), *(line(n, org_tag="b8e9d1") for n in range(9)))
    pipeline.ingested()
    assert verify(pipeline.table).damaged == []
    hurt = pipeline.table.files(tenants=["b8e9d1"])[1]
    damage(local(hurt.path))

    done = verify(pipeline.table)

    lost, kept = (done.damaged, done.missing) if local(hurt.path).exists() else (done.missing, done.damaged)
    read = 6 - len(done.missing)
    assert (done.files, done.rows, done.counted) == (read, 3 * read, 0)
    assert ([file.file_path for file in lost], kept) == ([hurt.path], [])


def test_a_day_or_an_organisation_is_verified_alone(pipeline: Pipeline) -> None:
    pipeline.land(*(line(n) for n in range(9)), *(line(n, org_tag="b8e9d1") for n in range(9)))
    pipeline.ingested()
    day = day_window(date(2025, 10, 10))

    assert [verify(pipeline.table, *of).files for of in ((day,), (None, "b8e9d1"), (day, "b8e9d1"))] == [2, 3, 1]


def test_of_another_writers_file_the_rows_are_counted(pipeline: Pipeline) -> None:
    pipeline.land(line(3), line(6))
    pipeline.ingested()
    rows = pipeline.table.scan().collect()
    pipeline.table.load().append(rows.to_arrow().cast(pipeline.table.spec.arrow_schema()))
    (foreign,) = (info for info in pipeline.table.files() if not pipeline.table.wrote(info.file))

    assert (verify(pipeline.table).counted, verify(pipeline.table).damaged) == (1, [])
    DAMAGES[-1](local(foreign.path))
    done = verify(pipeline.table)
    assert [file.file_path for file in (*done.damaged, *done.missing)] == [foreign.path]

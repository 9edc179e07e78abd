"""What docs/schedules.md and the UI say of schedules is what the code does."""

from pathlib import Path

import pytest
from dagster import ScheduleDefinition

from assets.capability import AfterGap
from clearlift_pipelines import schedule_reference
from clearlift_pipelines.definitions import build_defs
from clearlift_pipelines.settings import load

PAGE = Path(__file__).resolve().parents[2] / schedule_reference.PAGE
AGAIN = "python -m clearlift_pipelines.schedule_reference writes it again"


def test_the_page_has_the_schedules_and_sensors_of_today() -> None:
    text = PAGE.read_text()
    assert schedule_reference.in_page(text) == text, AGAIN


def test_every_schedule_and_sensor_is_in_the_tables_and_the_ui_says_the_same_of_downtime() -> None:
    rows = {line.split("`")[1]: line for line in schedule_reference.tables().splitlines() if "`" in line}
    defs = build_defs(load())
    assert rows.keys() == {definition.name for definition in (*(defs.schedules or ()), *(defs.sensors or ()))}
    for schedule in defs.schedules or ():
        assert isinstance(schedule, ScheduleDefinition)
        (said,) = [choice.value for choice in AfterGap if f" {choice.value} " in rows[schedule.name]]
        assert (schedule.description or "").endswith(f"After downtime it {said}."), schedule.name


def test_each_choice_is_made_by_some_schedule() -> None:
    tables = schedule_reference.tables()
    assert all(choice.value in tables for choice in AfterGap)


@pytest.mark.parametrize("missing", [schedule_reference.BEGIN, schedule_reference.END])
def test_a_page_without_the_markers_is_refused(missing: str) -> None:
    text = f"a\n{schedule_reference.BEGIN}\n{schedule_reference.END}\nb".replace(missing, "")
    with pytest.raises(ValueError, match="lacks <!-- "):
        schedule_reference.in_page(text)

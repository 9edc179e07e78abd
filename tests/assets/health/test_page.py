"""docs/health.md lists every planted fault, and every threshold with its default and its reason."""

import re
from dataclasses import fields
from pathlib import Path

from assets.thresholds import Thresholds

HERE = Path(__file__).parent
PAGE = (Path(__file__).resolve().parents[3] / "docs" / "health.md").read_text()
NO_FAULTS = {
    "test_a_fresh_deployment_has_no_finding",
    "test_every_check_has_a_key_of_its_own_and_needs_stores_that_there_are",
    "test_a_range_that_succeeded_makes_a_failed_part_of_it_good",
    "test_the_sensor_shows_what_is_new_as_an_asset_once",
    "test_a_store_that_hangs_holds_up_no_other",
    "test_a_threshold_that_is_none_is_refused_with_the_right_one",
    "test_the_command_of_a_job_names_its_partitions",
    "test_a_store_that_fails_at_one_look_is_shown_and_nobody_is_told",
    "test_a_look_that_fails_once_is_told_to_nobody",
    "test_what_is_missing_is_told_at_the_first_look",
}


def test_the_list_of_faults_is_that_of_the_tests() -> None:
    tests = {
        name
        for file in HERE.glob("test_*_faults.py")
        for name in re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE)
    }
    assert set(re.findall(r"`(test_\w+)`", PAGE)) == tests - NO_FAULTS


def test_every_threshold_is_listed_with_its_default_and_its_reason() -> None:
    for one in fields(Thresholds):
        assert f"| `{one.name}` | {one.default:g} | {one.metadata['reason']} |\n" in PAGE

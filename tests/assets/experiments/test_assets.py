"""Experiments in Dagster's eyes: what is shown, and when the checks pass, warn and fail."""

import base64
import io
from datetime import date, timedelta
from typing import Any

import pytest
from dagster import AssetCheckEvaluation, AssetCheckSeverity, TableMetadataValue, materialize
from PIL import Image

from assets.apps import APPS
from assets.apps.growth import APP
from assets.capability import Site
from assets.experiments.capability import bring
from assets.partitions import Calendar
from tests.assets.experiments.lab import NOW, Lab

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")


def made(lab: Lab) -> tuple[dict[str, Any], dict[str, AssetCheckEvaluation]]:
    """The metadata of the asset, and its checks by name."""
    site = Site(lab.rooms, Calendar(date(2026, 11, 1)), timedelta(days=35), 1_000, (7, 5, 12))
    result = materialize(list(bring(APP, site).assets), resources={"rooms": lab.rooms})
    (event,) = result.get_asset_materialization_events()
    metadata = {
        key: [record.data for record in value.records] if isinstance(value, TableMetadataValue) else value.value
        for key, value in event.materialization.metadata.items()
    }
    return metadata, {check.check_name: check for check in result.get_asset_check_evaluations()}


def assigned(lab: Lab, users: int = 400, converted: str = "treatment") -> None:
    """Users whom the app itself assigned, and who saw their variant; half of those of one variant convert."""
    lab.source.execute(
        "select public.auto_assign_experiments(gen_random_uuid(), null) from generate_series(1, %s)", (users,)
    )
    lab.source.execute(
        "update experiments.assignments set assigned_at = %(at)s, first_exposed_at = %(at)s",
        {"at": NOW - timedelta(days=3)},
    )
    lab.source.execute(
        "insert into analytics.events (type, name, user_id, created_at) select 'form', m, user_id, first_exposed_at"
        " from experiments.assignments, unnest(array['signup', 'invited']) as m"
        " where bucket %% case variant when %s then 2 else 10 end = 0",
        (converted,),
    )


def test_a_good_experiment_is_shown_and_passes(lab: Lab) -> None:
    lab.define(guardrail_metrics=["invited"])
    assigned(lab)
    lab.now -= timedelta(days=1)
    made(lab)
    lab.now += timedelta(days=1)
    metadata, checks = made(lab)
    assert {name: check.passed for name, check in checks.items()} == {
        "defined_well": True,
        "split_as_planned": True,
        "assigned_by_hash": True,
        "guardrails_hold": True,
    }
    assert (metadata["day"], metadata["experiments"], metadata["users"]) == ("2026-11-28", 1, 400)
    (verdict,) = metadata["verdicts"]
    assert verdict["verdict"] == "better"
    text = metadata["experiment checkout"]
    assert "**Test of checkout**: 400 of 10,000 users; about 168 days to go." in text
    assert "| signup | treatment |" in text
    assert "| invited, guardrail | treatment |" in text
    image = text.partition("base64,")[2].rstrip(")")
    with Image.open(io.BytesIO(base64.b64decode(image))) as drawn:
        assert drawn.format == "PNG"
        assert drawn.height == 18 * 3 + 20  # two looks and the axis
    assert len(text) < 20_000


def test_a_wrong_split_fails_its_check_and_has_no_verdict(lab: Lab) -> None:
    lab.define(guardrail_metrics=["invited"])
    assigned(lab, 1_200)
    lab.source.execute("delete from experiments.assignments where variant = 'control' and bucket % 2 = 0")
    metadata, checks = made(lab)
    check = checks["split_as_planned"]
    assert (check.passed, check.severity) == (False, AssetCheckSeverity.ERROR)
    assert (check.description or "").startswith("checkout: control ")
    assert "users are not split as planned: no verdict" in metadata["experiment checkout"]
    assert [row["verdict"] for row in metadata["verdicts"]] == ["mismatch"]
    guarded = checks["guardrails_hold"]
    assert (guarded.passed, guarded.severity) == (False, AssetCheckSeverity.WARN)
    assert checks["assigned_by_hash"].passed


def test_a_guardrail_that_got_worse_fails_its_check(lab: Lab) -> None:
    lab.define(guardrail_metrics=["-invited"])
    assigned(lab)
    _, checks = made(lab)
    check = checks["guardrails_hold"]
    assert (check.passed, check.severity) == (False, AssetCheckSeverity.ERROR)
    assert check.description == "checkout, treatment, invited is worse; stop the variant or accept it"


def test_variants_that_no_hash_gave_fail_their_check(lab: Lab) -> None:
    lab.define()
    assigned(lab)
    lab.source.execute("update experiments.assignments set variant = 'control' where bucket between 5000 and 5999")
    _, checks = made(lab)
    check = checks["assigned_by_hash"]
    assert (check.passed, check.severity) == (False, AssetCheckSeverity.ERROR)
    assert "have another; were weights changed, or variants set by hand?" in (check.description or "")


def test_what_is_not_known_is_not_green(lab: Lab) -> None:
    metadata, checks = made(lab)
    assert {check.passed for check in checks.values()} == {False}
    assert {check.severity for check in checks.values()} == {AssetCheckSeverity.WARN}
    assert (metadata["experiments"], metadata["verdicts"]) == (0, "none")
    lab.define(guardrail_metrics=["invited"])
    metadata, checks = made(lab)
    assert {name for name, check in checks.items() if not check.passed} == {
        "split_as_planned",
        "assigned_by_hash",
        "guardrails_hold",
    }
    assert checks["split_as_planned"].description == "nobody has seen a variant of checkout"
    assert "nobody new in the last 7 days" in metadata["experiment checkout"]


def test_an_experiment_that_cannot_be_judged_fails_its_check(lab: Lab) -> None:
    lab.define(started_at=NOW - timedelta(days=200))
    _, checks = made(lab)
    check = checks["defined_well"]
    assert (check.passed, check.severity) == (False, AssetCheckSeverity.ERROR)
    assert (check.description or "").startswith("checkout: it began before 2026-08-31")


def test_the_sample_of_a_development_database_is_looked_at(lab: Lab) -> None:
    with lab.source.connection() as connection:
        connection.execute("select set_config('app.environment', 'development', true)")
        connection.execute("select pipelines.fill_sample(%s)", (NOW,))
    metadata, checks = made(lab)
    assert {name for name, check in checks.items() if check.passed} >= {
        "defined_well",
        "split_as_planned",
        "assigned_by_hash",
    }
    assert {row["experiment"] for row in metadata["verdicts"]} == {"hero-headline", "demo-button"}
    assert metadata["users"] > 400
    assert "![Lift by day" in metadata["experiment hero-headline"]


def test_only_apps_with_experiments_have_the_room(lab: Lab) -> None:
    site = Site(lab.rooms, Calendar(date(2026, 11, 1)), timedelta(days=35), 1_000, (7, 5, 12))
    assert {app.name for app in APPS if bring(app, site).assets} == {app.name for app in APPS if app.experiments}

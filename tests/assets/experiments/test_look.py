"""Looks at experiments in a real database: who counts, what counts, and what is said of it."""

import uuid
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.apps.growth import APP
from assets.experiments import stored
from assets.experiments.look import Looking
from assets.experiments.verdict import Verdict
from tests.assets.experiments.lab import NOW, STARTED, Lab, result
from tests.examples import examples

HOUR = timedelta(hours=1)


def test_a_treatment_that_converts_more_is_better_and_stored(lab: Lab) -> None:
    lab.define()
    lab.users("control", 2_500, {"signup": 250})
    lab.users("treatment", 2_450, {"signup": 350})
    look = lab.look()
    found = result(look)
    assert (found.verdict, found.sample.n, found.sample.total, found.sample.squares) == (
        Verdict.BETTER,
        2_450,
        350,
        350,
    )
    assert found.difference is not None
    assert found.lift is not None
    assert found.difference.low > 0
    assert found.lift.estimate == pytest.approx(350 / 2_450 / 0.1 - 1)
    (kept,) = lab.stored("looks")
    assert (kept["day"], kept["exposed"], kept["mismatched"]) == (date(2026, 11, 28), 4_950, False)
    control, treatment = lab.stored("results")
    assert (control["verdict"], control["lift"]) == ("control", None)
    assert (treatment["verdict"], treatment["lift_low"], treatment["p"]) == (
        "better",
        found.lift.low,
        found.difference.p,
    )


def test_the_same_rates_without_enough_users_are_not_decided(lab: Lab) -> None:
    lab.define()
    lab.users("control", 1_000, {"signup": 100})
    lab.users("treatment", 1_000, {"signup": 105})
    assert lab.result().verdict is Verdict.RUNNING
    lab.users("control", 4_000, {"signup": 400})
    lab.users("treatment", 4_000, {"signup": 420})
    assert lab.result().verdict is Verdict.NO_DIFFERENCE


def test_a_split_that_is_not_as_planned_stops_every_verdict(lab: Lab) -> None:
    lab.define(guardrail_metrics=["-form_error"])
    lab.users("control", 2_500, {"signup": 250})
    lab.users("treatment", 2_000, {"signup": 350, "form_error": 10})
    look = lab.look()
    assert look.mismatched
    assert {one.verdict for one in look.results} == {Verdict.MISMATCH}
    assert {(row["verdict"], row["lift"], row["p"]) for row in lab.stored("results")} == {("mismatch", None, None)}


def test_weights_are_the_plan_of_the_split(lab: Lab) -> None:
    lab.define(variants=[("treatment", 1, False), ("control", 9, True)])
    lab.users("control", 9_000, {"signup": 900})
    lab.users("treatment", 1_000, {"signup": 100})
    look = lab.look()
    assert not look.mismatched
    assert [one.variant.key for one in look.results] == ["control", "treatment"]


def test_a_guardrail_of_which_fewer_is_better_gets_worse_when_there_is_more(lab: Lab) -> None:
    lab.define(guardrail_metrics=["-form_error", "invited"])
    lab.users("control", 2_000, {"signup": 200, "form_error": 20, "invited": 300})
    lab.users("treatment", 2_000, {"signup": 200, "form_error": 120, "invited": 100})
    look = lab.look()
    assert result(look, metric="form_error").verdict is Verdict.WORSE
    assert result(look, metric="invited").verdict is Verdict.WORSE
    assert result(look).verdict is Verdict.RUNNING


def test_alpha_is_shared_by_the_comparisons_of_the_primary_metric(lab: Lab) -> None:
    lab.define(variants=[("a", 1, True), ("b", 1, False), ("c", 1, False)], guardrail_metrics=["paid"])
    for variant, signups in (("a", 100), ("b", 148), ("c", 100)):
        lab.users(variant, 1_000, {"signup": signups, "paid": signups})
    look = lab.look()
    found, guarded = result(look, "b"), result(look, "b", "paid")
    assert found.difference is not None
    assert guarded.difference is not None
    assert 0.025 < found.difference.p < 0.05
    assert found.verdict is Verdict.RUNNING
    assert guarded.difference.p < 0.05
    assert guarded.verdict is Verdict.BETTER


def test_too_few_users_and_no_conversion_at_all_are_not_decided(lab: Lab) -> None:
    lab.define()
    lab.users("control", 99, {"signup": 1})
    lab.users("treatment", 100, {"signup": 90})
    early = lab.result()
    assert (early.verdict, early.why) == (Verdict.RUNNING, "99 of at least 100 users in each variant")
    lab.define("other", primary_metric="never")
    lab.users("control", 200, key="other")
    lab.users("treatment", 200, key="other")
    unknown = result(lab.look("other"), metric="never")
    assert (unknown.verdict, unknown.difference) == (Verdict.UNKNOWN, None)


def test_an_experiment_that_ended_undecided_says_so(lab: Lab) -> None:
    lab.define(status="completed", ended_at=NOW - timedelta(days=2))
    lab.users("control", 500, {"signup": 50})
    lab.users("treatment", 500, {"signup": 52})
    found = lab.look()
    assert (result(found).verdict, found.days_left) == (Verdict.UNKNOWN, None)


def test_after_its_end_nothing_counts_and_a_week_later_it_is_not_looked_at(lab: Lab) -> None:
    ended = NOW - timedelta(days=5)
    lab.define(status="completed", ended_at=ended)
    late, early = uuid.uuid4(), uuid.uuid4()
    lab.unit("control", user=late, exposed=ended)
    lab.unit("control", user=early, exposed=ended - HOUR)
    lab.event(ended, user=early)
    assert (lab.look().exposed, lab.result("control").sample.total) == (1, 0)
    lab.now = ended + timedelta(days=9)
    assert lab.looked().looks == ()


def test_an_experiment_that_ends_today_is_looked_at_as_one_that_runs(lab: Lab) -> None:
    lab.define(status="completed", ended_at=NOW - timedelta(hours=1))
    assert lab.look().experiment.ended_at is None


def test_a_completed_experiment_without_an_end_is_named_and_not_looked_at_as_one_that_runs(lab: Lab) -> None:
    lab.define(status="completed")
    lab.users("control", 2_500, {"signup": 250})
    lab.users("treatment", 2_450, {"signup": 350})
    for days in (0, 1, 400):
        lab.now = NOW + timedelta(days=days)
        found = lab.looked()
        assert found.looks == ()
        assert found.unusable == {"checkout": "it is completed and nobody said when; set the column `ended_at`"}
    lab.now = NOW
    lab.source.execute("update experiments.experiments set ended_at = %s", (NOW - timedelta(days=2),))
    assert lab.result().verdict is Verdict.BETTER


def test_drafts_and_what_begins_later_are_not_looked_at(lab: Lab) -> None:
    lab.define("draft", status="draft")
    lab.define("later", started_at=NOW)
    assert lab.looked().looks == ()


def test_only_events_after_the_first_sight_of_the_variant_and_before_the_days_end_count(lab: Lab) -> None:
    lab.define()
    users = [uuid.uuid4() for _ in range(5)]
    for user in users:
        lab.unit("treatment", user=user, exposed=STARTED + HOUR)
    lab.unit("treatment", user=uuid.uuid4(), exposed=None)
    lab.unit("treatment", user=uuid.uuid4(), exposed=datetime(2026, 11, 29, tzinfo=NOW.tzinfo))
    lab.event(STARTED, user=users[0])
    lab.event(STARTED + HOUR, user=users[1])
    lab.event(STARTED + HOUR, user=users[1])
    lab.event(STARTED + 2 * HOUR, user=users[2], name="another")
    lab.event(datetime(2026, 11, 29, tzinfo=NOW.tzinfo), user=users[3])
    lab.event(datetime(2026, 11, 28, 23, 59, 59, 999_999, tzinfo=NOW.tzinfo), user=users[4])
    found = lab.result()
    assert (found.sample.n, found.sample.total, found.sample.squares) == (5, 2, 2)


def test_a_session_counts_for_its_user_and_never_for_another(lab: Lab) -> None:
    lab.define()
    ann, bob = uuid.uuid4(), uuid.uuid4()
    lab.unit("treatment", user=ann, session="s1")
    lab.unit("control", session="s2")
    lab.event(STARTED + HOUR, session="s1", user=bob)  # somebody else on the same machine
    assert lab.result().sample.total == 0
    lab.event(STARTED + HOUR, session="s1")
    lab.event(STARTED + HOUR, session="s1", user=ann)
    lab.event(STARTED + HOUR, session="s2", user=bob)  # who signed in after the variant was assigned
    look = lab.look()
    assert (result(look).sample.total, result(look, "control").sample.total) == (1, 1)


def test_a_variant_is_seen_by_an_event_that_names_the_experiment(lab: Lab) -> None:
    lab.define()
    ann, bob, cid = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    lab.unit("treatment", user=ann, exposed=None)
    lab.unit("treatment", user=bob, exposed=STARTED + 5 * HOUR)
    lab.unit("treatment", user=cid, exposed=None)
    lab.unit("treatment", session="s1", exposed=None)
    lab.event(STARTED, user=ann)  # before
    lab.event(STARTED + HOUR, name="experiment_exposure", user=ann, of="checkout")
    lab.event(STARTED + HOUR, name="experiment_exposure", user=bob, of="checkout")
    lab.event(STARTED + HOUR, name="experiment_exposure", user=cid, of="another")
    lab.event(STARTED + HOUR, name="signup", user=cid, of="checkout")
    lab.event(STARTED + HOUR, name="experiment_exposure", session="s1", of="checkout")
    lab.event(STARTED - HOUR, name="experiment_exposure", session="s1", of="checkout")
    lab.event(STARTED - HOUR / 2, session="s1")  # before the experiment began
    assert (lab.result().sample.n, lab.result().sample.total) == (3, 0)
    for user, session in ((ann, None), (bob, None), (None, "s1")):
        lab.event(STARTED + 2 * HOUR, user=user, session=session)
    assert (lab.result().sample.n, lab.result().sample.total) == (3, 3)


def test_a_second_look_replaces_the_days_and_leaves_those_of_other_days(lab: Lab) -> None:
    lab.define()
    lab.users("control", 200, {"signup": 20})
    lab.users("treatment", 200, {"signup": 20})
    lab.looked()
    first = lab.stored("results")
    lab.looked()
    assert lab.stored("results") == first
    lab.now += timedelta(days=1)
    lab.looked()
    assert [row["day"].day for row in lab.stored("looks")] == [28, 29]
    lab.source.execute("delete from experiments.experiments")
    lab.looked()
    assert [row["day"].day for row in lab.stored("looks")] == [28]


def test_days_left_follow_the_last_week(lab: Lab) -> None:
    lab.define(planned_total=10_000)
    lab.users("control", 450, at=STARTED)
    lab.users("treatment", 450, at=STARTED)
    assert lab.look().days_left is None
    lab.users("control", 350, at=NOW - timedelta(days=3))
    lab.users("treatment", 350, at=NOW - timedelta(days=3))
    assert lab.look().days_left == 84  # 8,400 more at 100 a day


def test_what_cannot_be_judged_is_named_and_the_others_are(lab: Lab) -> None:
    lab.define()
    lab.define("strayed")
    lab.users("control", 10, key="strayed")
    lab.users("gone", 10, key="strayed")
    lab.define("old", started_at=NOW - timedelta(days=120))
    lab.define("ended", started_at=NOW - timedelta(days=120), status="completed", ended_at=NOW - timedelta(days=3))
    found = lab.looked()
    assert [look.experiment.key for look in found.looks] == ["checkout"]
    assert found.unusable.keys() == {"old", "strayed"}
    assert found.unusable["old"].startswith("it began before 2026-08-31, and events of then are deleted")
    assert "variants that it does not list (gone)" in found.unusable["strayed"]


SEEN = "experiment_exposure"
UNITS = st.lists(
    st.tuples(
        st.sampled_from(["control", "treatment"]),
        st.sampled_from(["user", "session", "both"]),
        st.one_of(st.none(), st.integers(0, 800)),
        st.lists(st.tuples(st.sampled_from(["signup", "paid", SEEN]), st.integers(0, 800)), max_size=4),
    ),
    max_size=12,
)


@given(units=UNITS)
@examples(12, 60)
def test_any_users_are_counted_as_in_python(lab: Lab, units: list[Any]) -> None:
    lab.source.execute("truncate experiments.experiments, analytics.events cascade")
    lab.define(guardrail_metrics=["-paid"])
    until = datetime(2026, 11, 29, tzinfo=NOW.tzinfo)
    exposed: dict[str, int] = defaultdict(int)
    totals: dict[tuple[str, str], int] = defaultdict(int)
    for number, (variant, kind, hours, events) in enumerate(units):
        user = uuid.uuid4() if kind != "session" else None
        session = f"session-{number}" if kind != "user" else None
        at = None if hours is None else STARTED + hours * HOUR
        lab.unit(variant, user=user, session=session, exposed=at)
        for name, later in events:
            lab.event(
                STARTED + later * HOUR, name=name, user=user if later % 2 else None, session=session, of="checkout"
            )
        # An event without the user and without a session is nobody's.
        own = [(name, STARTED + later * HOUR) for name, later in events if kind != "user" or later % 2]
        seen = [*([] if at is None else [at]), *(when for name, when in own if name == SEEN)]
        if any(when < until for when in seen):
            exposed[variant] += 1
            for metric in ("signup", "paid"):
                totals[variant, metric] += any(name == metric and min(seen) <= when < until for name, when in own)
    look = lab.look()
    for one in look.results:
        assert one.sample.n == exposed[one.variant.key]
        assert one.sample.total == totals[one.variant.key, one.metric.name]


def test_a_look_that_is_cut_off_leaves_the_one_before(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.define()
    lab.users("control", 200, {"signup": 20})
    lab.looked()
    before = lab.stored("looks"), lab.stored("results")
    lab.users("treatment", 200, {"signup": 20})
    with monkeypatch.context() as patch:
        patch.setattr(stored, "_result", lambda _: {"no_column": 1})
        with pytest.raises(psycopg.errors.UndefinedColumn):
            lab.looked()
    assert (lab.stored("looks"), lab.stored("results")) == before


def test_two_looks_at_once_end_as_one(lab: Lab) -> None:
    lab.define()
    lab.users("control", 200, {"signup": 20})
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: lab.looked(), range(2))
    assert first.looks == second.looks
    assert len(lab.stored("looks")) == 1


def test_the_looks_of_another_app_stay(lab: Lab) -> None:
    lab.define()
    lab.looked()
    other = replace(APP, name="other")
    assert other.experiments is not None
    Looking(other, other.experiments, lab.source, lab.postgres, lambda: lab.now).run()
    lab.looked()
    assert sorted(row["app"] for row in lab.stored("looks")) == ["growth", "other"]

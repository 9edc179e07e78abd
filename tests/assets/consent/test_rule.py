"""The rule of choices, held to a second opinion that goes through all of a person's history each time."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.consent.rule import Choice, Choices, Source, Subject, flag_choices

START = datetime(2026, 3, 1, tzinfo=UTC)
VISITOR, USER = Subject("a", "visitor", b"v"), Subject("a", "user", b"u")
OTHERS = [Subject("b", "visitor", b"v"), Subject("a", "user", b"v"), Subject("a", "visitor", b"w")]
SECONDS = st.integers(0, 20)
CHOICES = st.lists(
    st.builds(
        lambda subject, second, source, refuses: Choice(subject, moment(second), source, refuses=refuses),
        st.sampled_from([VISITOR, USER, *OTHERS]),
        SECONDS,
        st.sampled_from(["flag", "signal", "list"]),
        st.booleans(),
    ),
    max_size=12,
    unique_by=lambda choice: (choice.subject, choice.at),
)


def moment(second: int) -> datetime:
    return START + timedelta(seconds=second)


def chosen(second: int, source: Source, *, refuses: bool, subject: Subject = VISITOR) -> Choice:
    return Choice(subject, moment(second), source, refuses)


@given(CHOICES, SECONDS, st.sampled_from([True, False, None]), st.booleans(), st.booleans())
def test_any_history_is_judged_as_a_walk_through_it_judges(
    choices: list[Choice], second: int, flag: bool | None, signal: bool, signed_in: bool
) -> None:
    state = {"visitor": False, "user": False, "flag": False}
    for choice in sorted(choices, key=lambda choice: choice.at):
        if choice.at <= moment(second) and choice.subject in (VISITOR, USER):
            is_flag = choice.source == "flag"
            if not is_flag or choice.subject == VISITOR:
                state["flag" if is_flag else choice.subject.kind] = choice.refuses
    expected = flag is False or signal or state["visitor"] or (signed_in and state["user"])
    expected = expected or (flag is None and state["flag"])
    user = USER if signed_in else None
    assert Choices(choices).refused(VISITOR, user, moment(second), flag, signal) == expected


@pytest.mark.parametrize(
    ("second", "flag", "refused"),
    [(9, None, False), (10, None, True), (30, None, True), (30, True, False), (39, None, True), (40, None, False)],
)
def test_a_withdrawn_flag_holds_for_events_without_one_until_the_next(
    second: int, flag: bool | None, refused: bool
) -> None:
    choices = Choices([chosen(10, "flag", refuses=True), chosen(40, "flag", refuses=False)])
    assert choices.refused(VISITOR, None, moment(second), flag, signal=False) == refused


def test_a_flag_does_not_lift_what_the_list_or_the_browser_says() -> None:
    for source in ("list", "signal"):
        choices = Choices([chosen(10, source, refuses=True), chosen(20, "flag", refuses=False)])
        assert choices.refused(VISITOR, None, moment(30), flag=True, signal=False)


def test_the_list_lifts_a_signal_until_the_next_signal() -> None:
    choices = Choices(
        [chosen(10, "signal", refuses=True), chosen(20, "list", refuses=False), chosen(30, "signal", refuses=True)]
    )
    found = [choices.refused(VISITOR, None, moment(second), None, signal=False) for second in (15, 25, 35)]
    assert found == [True, False, True]


@given(st.lists(st.tuples(SECONDS.map(moment), st.booleans()), max_size=12))
def test_a_day_of_flags_keeps_the_first_and_the_changes_and_says_the_same(flags: list[tuple[datetime, bool]]) -> None:
    found = flag_choices(VISITOR, flags)
    assert all(one.refuses != next_.refuses for one, next_ in pairwise(found))
    choices = Choices(found)
    for second in range(21):
        before = [at for at, _ in flags if at <= moment(second)]
        newest = [allowed for at, allowed in flags if before and at == max(before)]
        expected = bool(before) and not all(newest)
        assert choices.refused(VISITOR, None, moment(second), None, signal=False) == expected

"""Which ids are of one person: the rule, over rows."""

from collections.abc import Collection, Iterator, Mapping

from hypothesis import given
from hypothesis import strategies as st

from assets.apps.personal import Person
from assets.erasure.linked import Row, Rows, grown


def over(*rows: Row) -> Rows:
    def found(wanted: Mapping[Person, Collection[str]]) -> Iterator[Row]:
        return (row for row in rows if any(id_ in wanted.get(kind, ()) for kind, id_ in row))

    return found


USER, OTHER = ("user", "u"), ("user", "w")
LEAD: tuple[Person, str] = ("lead", "l")


def test_an_anonymous_id_is_theirs_where_no_row_shows_it_with_another() -> None:
    rows = over(
        (("user", "u"), ("visitor", "own")),
        (("user", "u"), ("visitor", "shared")),
        (("user", "w"), ("visitor", "shared")),
    )
    assert grown({"user": {"u"}}, rows) == ({"user": {"u"}, "visitor": {"own"}}, 1)


def test_a_lead_leads_to_the_user_that_it_became_and_on_to_their_anonymous_ids() -> None:
    rows = over((("lead", "l"), ("user", "u")), (("user", "u"), ("visitor", "v")), (("lead", "l"), ("visitor", "w")))
    assert grown({"lead": {"l"}}, rows) == ({"lead": {"l"}, "user": {"u"}, "visitor": {"v", "w"}}, 0)


def test_an_anonymous_id_leads_nowhere() -> None:
    rows = over((("user", "u"), ("visitor", "v")))
    assert grown({"visitor": {"v"}}, rows) == ({"visitor": {"v"}}, 0)


def test_a_user_who_handled_the_leads_of_others_is_not_their_lead() -> None:
    rows = over((("user", "u"), ("lead", "l")), (("user", "w"), ("lead", "l")))
    assert grown({"user": {"u"}}, rows) == ({"user": {"u"}}, 1)


ROWS = st.lists(
    st.tuples(
        st.tuples(st.just("user"), st.sampled_from("abc")), st.tuples(st.just("visitor"), st.sampled_from("vwxyz"))
    ),
    max_size=12,
)


@given(ROWS)
def test_no_anonymous_id_is_of_two_people(rows: list[Row]) -> None:
    owners = [grown({"user": {user}}, over(*rows))[0].get("visitor", set()) for user in "abc"]
    assert sum(map(len, owners)) == len(set().union(*owners))

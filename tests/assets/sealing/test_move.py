"""The move from clear to sealed loses nothing, whoever writes meanwhile, and every address is found at every moment."""

import itertools
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.sealing.d1 import D1Fields
from assets.sealing.fields import LONGEST
from assets.sealing.move import Sealer
from resources.d1 import EmbeddedD1
from tests.assets.sealing.columns import FIELDS, RING, Column, Interrupted, database

CALLS = 8
KINDS = [
    "clearlift users.email_encrypted",
    "clearlift platform_connections.settings_encrypted",
    "sesh users.emailEncrypted",
    "sesh medical_symptoms.detailsEncrypted",
    "consignment consignors.phone_encrypted",
]


class StoppedError(Exception):
    """The mover was killed."""


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, EmbeddedD1]:
    path = tmp_path_factory.mktemp("d1")
    return {app: database(path, app) for app in ("clearlift", "sesh", "consignment")}


def column(databases: dict[str, EmbeddedD1], kind: str) -> Column:
    """A column whose row has nothing but a value in clear."""
    found = Column(databases[kind.split()[0]], FIELDS[kind])
    rule = found.field.rule
    found.set(
        **{rule.into: None, **({rule.index: None} if rule.index else {}), rule.column: found.form("old@x.example")}
    )
    return found


class Application:
    """Writers beside the mover, and the value that a reader must find after each of their writes."""

    def __init__(self, column: Column) -> None:
        self.column = column
        self.value = column.read()
        self.seen = column.row[column.field.rule.column]
        self._words = (f"Word{n}@X.example" for n in itertools.count())

    def rewrite(self) -> None:
        self.value = self.column.form(next(self._words))
        self.column.write(self.value)

    def write_back(self) -> None:
        """Write what stands in the column, as whoever updates whole rows does."""
        self.column.write(self.column.row[self.column.field.rule.column])

    def empty(self) -> None:
        """Blank what is in clear. Where it is blank already, nothing changes."""
        rule = self.column.field.rule
        if rule.fields:
            return
        if self.column.row[rule.column] != self.column.blank:
            self.value = None
        self.column.set(**{rule.column: self.column.blank})

    def write_sealed(self) -> None:
        self.value = self.column.form(next(self._words))
        self.column.write_sealed(self.value)

    def check(self) -> None:
        assert self.column.read() == self.value
        if self.column.field.rule.index and self.value:
            assert self.column.found_by(self.value)
            assert not self.column.found_by("old@x.example") or self.value == "old@x.example"


WRITES = [Application.rewrite, Application.write_back, Application.empty, Application.write_sealed]


def moved_with(column: Column, at: dict[int, list[Callable[[Application], None]]], stop: int = 10**6) -> None:
    """Move while the application writes before some calls of the mover; then once more, when nobody writes."""
    application = Application(column)
    calls = itertools.count()

    def before_call() -> None:
        application.check()
        number = next(calls)
        if number == stop:
            raise StoppedError
        for write in at.get(number, []):
            write(application)
            application.check()

    store = D1Fields(column.d1)
    with suppress(StoppedError):
        Sealer(Interrupted(store, before_call), RING).move(column.field)
    application.check()
    assert Sealer(store, RING).move(column.field).left == 0
    application.check()
    rule = column.field.rule
    assert not str(column.row[rule.into] or "").startswith(".")
    assert Sealer(store, RING).move(column.field).sealed == 0, "a second run finds nothing"
    if application.value is not None and not rule.fields:
        assert column.row[rule.column] == column.blank


@pytest.mark.parametrize("kind", KINDS)
def test_a_writer_at_any_moment_loses_nothing(databases: dict[str, EmbeddedD1], kind: str) -> None:
    for moment, write in itertools.product(range(CALLS), WRITES):
        moved_with(column(databases, kind), {moment: [write]})


@pytest.mark.parametrize("kind", KINDS)
def test_a_kill_at_any_moment_loses_nothing(databases: dict[str, EmbeddedD1], kind: str) -> None:
    for moment in range(CALLS):
        moved_with(column(databases, kind), {}, stop=moment)


@settings(max_examples=250, derandomize=True, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    writes=st.lists(st.tuples(st.integers(0, CALLS), st.sampled_from(WRITES)), min_size=2, max_size=5),
    stop=st.integers(1, 2 * CALLS),
)
def test_writers_in_any_order_lose_nothing(
    databases: dict[str, EmbeddedD1], kind: str, writes: list[tuple[int, Callable[[Application], None]]], stop: int
) -> None:
    at: dict[int, list[Callable[[Application], None]]] = {}
    for moment, write in writes:
        at.setdefault(moment, []).append(write)
    moved_with(column(databases, kind), at, stop)


def test_two_movers_at_once_end_the_same(databases: dict[str, EmbeddedD1]) -> None:
    def another(application: Application) -> None:
        Sealer(D1Fields(application.column.d1), RING).move(application.column.field)

    for moment in range(CALLS):
        moved_with(column(databases, "sesh users.emailEncrypted"), {moment: [another]})


@pytest.fixture(params=sorted(FIELDS))
def each(request: pytest.FixtureRequest, databases: dict[str, EmbeddedD1]) -> Column:
    return column(databases, request.param)


@pytest.mark.parametrize(
    "word", ["Zürich 🚀@x.example", "\ufeffbom", "e\u0301", "'; drop table users; --", "x" * 9_000]
)
def test_every_column_of_every_app_is_sealed_and_opens(each: Column, word: str) -> None:
    value = each.form(word)
    each.write(value)
    store = D1Fields(each.d1)
    assert Sealer(store, RING).move(each.field).left == 0
    assert each.read() == value
    assert word not in str(each.row[each.field.rule.column])
    assert store.keys(each.field)[1] == (2 if each.field.rule.index else 1) or each.field.table == "users"


def test_a_text_with_nul_which_only_a_worker_writes_is_sealed_whole(databases: dict[str, EmbeddedD1]) -> None:
    one = column(databases, "sesh journal_entries.contentEncrypted")
    one.d1.execute("update journal_entries set content = cast(unhex('610062') as text)")
    assert Sealer(D1Fields(one.d1), RING).move(one.field).left == 0
    assert one.read() == "a\0b"


def test_without_its_trigger_a_value_in_clear_still_counts(databases: dict[str, EmbeddedD1], tmp_path: Path) -> None:
    one = Column(database(tmp_path, "clearlift"), FIELDS["clearlift users.email_encrypted"])
    Sealer(D1Fields(one.d1), RING).move(one.field)
    one.d1.execute("drop trigger users_email_rewritten")
    one.write("new@x.example")
    assert one.found_by("new@x.example")
    assert not one.found_by("u1@x.example")
    Sealer(D1Fields(one.d1), RING).move(one.field)
    assert one.read() == "new@x.example"
    assert one.found_by("NEW@x.example ")


def test_a_value_that_is_too_long_stays_in_clear_and_is_counted(databases: dict[str, EmbeddedD1]) -> None:
    one = column(databases, "sesh journal_entries.contentEncrypted")
    one.write("x" * (LONGEST + 1))
    moved = Sealer(D1Fields(one.d1), RING).move(one.field)
    assert (moved.sealed, moved.left) == (0, 1)
    one.write("x" * LONGEST)
    assert Sealer(D1Fields(one.d1), RING).move(one.field).left == 0
    assert one.read() == "x" * LONGEST


def test_many_rows_are_moved_page_by_page(tmp_path: Path) -> None:
    one = Column(database(tmp_path, "sesh"), FIELDS["sesh users.emailEncrypted"])
    one.d1.upsert("users", ["id", "email"], [[f"p{n:03}", f"p{n}@x.example"] for n in range(100)], ["id"])
    moved = Sealer(D1Fields(one.d1, page=7), RING).move(one.field)
    assert (moved.sealed, moved.blanked, moved.left) == (102, 102, 0)


def test_the_work_is_found_by_an_index(databases: dict[str, EmbeddedD1]) -> None:
    for kind, field in FIELDS.items():
        if field.rule.fields:
            continue
        index = f"{field.table}_with_{field.rule.column}"
        d1 = databases[kind.split()[0]]
        seen: list[str] = []
        query = d1.query

        def explained(
            sql: str, params: object = (), query: object = query, seen: list[str] = seen
        ) -> list[dict[str, object]]:
            rows = query("explain query plan " + sql, params)  # type: ignore[operator]
            seen.extend(str(row["detail"]) for row in rows)
            return []

        d1.query = explained  # type: ignore[method-assign]
        try:
            list(D1Fields(d1).in_clear(field))
        finally:
            d1.query = query  # type: ignore[method-assign]
        assert any(index in line for line in seen), (kind, seen)

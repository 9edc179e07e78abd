"""What KV cannot hold: lists are cut into pages, all else is refused by name, and the rest goes on."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import assets.cache.survey
from assets.cache.pages import UnpageableError, paged
from assets.cache.wanted import Family, FamilyError, Row, Sources
from tests.assets.cache.warmed_cache import WarmedCache, numbers

LIMIT = 200
items = st.lists(st.one_of(st.integers(), st.text(max_size=12), st.none(), st.lists(st.text(max_size=4), max_size=2)))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets.cache.survey, "MAX_VALUE_BYTES", LIMIT)


def family(*rows: tuple[str, str]) -> Family:
    def drawn(_: Sources) -> Iterator[Row]:
        for name, value in rows:
            yield {"name": name, "value": value}

    return Family("lists", "Lists", "list:{name}", (), drawn)


@given(items, st.integers(80, 300))
def test_pages_hold_the_items_in_their_order_and_are_no_longer_than_they_may_be(items: list[object], most: int) -> None:
    value = json.dumps(items, ensure_ascii=False).encode()
    found = list(paged(value, most))
    assert all(len(page) <= most for _, page in found)
    if len(value) <= most:
        assert found == [("", value)]
        return
    *pages, (suffix, head) = found
    assert suffix == ""
    assert json.loads(head) == {"pages": len(pages), "items": len(items)}
    assert [name for name, _ in pages] == [f":page:{n}" for n in range(1, len(pages) + 1)]
    assert [item for _, page in pages for item in json.loads(page)] == items
    assert all(json.loads(page) for _, page in pages)


@pytest.mark.parametrize("value", [b'{"a":"' + b"x" * 300 + b'"}', b"[" * 300, b'["' + b"x" * 300 + b'",1]'])
def test_what_is_no_list_of_short_items_is_not_cut(value: bytes) -> None:
    with pytest.raises(UnpageableError):
        list(paged(value, LIMIT))


def test_a_list_that_grows_and_shrinks_has_no_page_too_many(warmed_cache: WarmedCache, small: None) -> None:
    for length in (10, 100, 40, 2, 0):
        value = json.dumps(list(range(1000, 1000 + length)))
        warmed_cache.run(family(("a", value)))
        held = warmed_cache.held()
        if len(value) <= LIMIT:
            assert held == {"list:a": value.encode()}
        else:
            pages = json.loads(held["list:a"])["pages"]
            assert held.keys() == {"list:a", *(f"list:a:page:{n}" for n in range(1, pages + 1))}
            found = [item for n in range(1, pages + 1) for item in json.loads(held[f"list:a:page:{n}"])]
            assert found == list(range(1000, 1000 + length))


def test_a_changed_item_writes_its_page_alone(warmed_cache: WarmedCache, small: None) -> None:
    numbers_ = list(range(1000, 1100))
    warmed_cache.run(family(("a", json.dumps(numbers_))))
    warmed_cache.put.clear()
    warmed_cache.run(family(("a", json.dumps([*numbers_[:-1], 9999]))))
    assert warmed_cache.put == ["list:a:page:3"]


def test_pages_are_written_before_the_key_that_tells_of_them_and_together(
    warmed_cache: WarmedCache, small: None
) -> None:
    warmed_cache.run(family(*((name, json.dumps(list(range(1000, 1060)))) for name in "ab")), writes=1)
    assert warmed_cache.put == ["list:a:page:1", "list:a:page:2", "list:a"]


def test_what_cannot_be_held_is_refused_by_its_key_and_the_rest_goes_on(warmed_cache: WarmedCache, small: None) -> None:
    long_name = "ü" * 100
    rows = [("a", "1"), (long_name, "1"), ("big", json.dumps("x" * LIMIT)), ("marked", "\ufeff1"), ("b", "2")]
    warmed_cache.run(family(("big", "1")))
    done = warmed_cache.run(family(*rows))
    assert warmed_cache.held() == {"list:a": b"1", "list:b": b"2"}, "a value that became too long leaves no old one"
    assert numbers(done) == (2, 2, 0, 0, 1, 0, 0)
    assert done.survey.refused.number == 3
    long, big, marked = done.survey.refused.examples
    assert "key 'list:%C3%BC" in long
    assert "above KV's 512" in long
    assert big == "key 'list:big' has a value of 202 bytes that is no JSON list that could be cut into pages"
    assert "'list:marked'" in marked
    assert done.freshness == 1, "no run can write them, so that the family is not late"


def test_a_key_that_names_a_person_is_in_no_message(warmed_cache: WarmedCache, small: None) -> None:
    personal = replace(family(("ada", "1"), ("grace", json.dumps("x" * LIMIT)), ("joan", "\ufeff1")), personal=True)
    done = warmed_cache.run(personal, writes=0)
    told = [*done.survey.left_out_first, *done.survey.refused.examples]
    assert len(told) == 3
    assert all("list:{name} #" in each for each in told)
    assert not any(name in each for each in told for name in ("ada", "grace", "joan"))
    with pytest.raises(FamilyError) as error:
        warmed_cache.run(replace(family(("ada", "1"), ("ada", "2")), personal=True))
    assert "ada" not in str(error.value)


def test_a_key_of_exactly_512_bytes_is_held(warmed_cache: WarmedCache) -> None:
    name = "x" * (512 - len("list:"))
    warmed_cache.run(family((name, "1"), (name + "x", "1")))
    assert warmed_cache.held() == {f"list:{name}": b"1"}


def test_two_rows_of_one_key_are_an_error_that_names_it(warmed_cache: WarmedCache) -> None:
    with pytest.raises(FamilyError, match="family lists: two rows make the key 'list:a'"):
        warmed_cache.run(family(("a", "1"), ("a", "2")))
    assert warmed_cache.held() == {}


@pytest.mark.parametrize("row", [{"name": None, "value": "1"}, {"value": "1"}, {"name": "a", "value": None}])
def test_a_row_that_lacks_something_is_an_error_that_names_the_family(warmed_cache: WarmedCache, row: Row) -> None:
    with pytest.raises(FamilyError, match="family lists: a row"):
        warmed_cache.run(Family("lists", "Lists", "list:{name}", (), lambda _: iter([row])))

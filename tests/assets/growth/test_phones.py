"""Phone numbers become E.164 where they are valid, by the lead's country; what was typed stays."""

import re

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.growth.phone import Phone, read
from assets.growth.phones import Phones, ReadPhones
from resources.postgres import Postgres
from tests.assets.growth.app_database import GROWTH, NOW

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
MOBILE = phonenumbers.PhoneNumberType.MOBILE


@pytest.mark.parametrize(
    ("typed", "country", "number"),
    [
        ("+49 30 901820", None, Phone("+4930901820", None)),
        ("030 901820", "DE", Phone("+4930901820", None)),
        ("0049 30 901820", "DE", Phone("+4930901820", None)),
        ("(212) 555-2368", "US", Phone("+12125552368", None)),
        ("212-555-2368 ext. 42", "US", Phone("+12125552368", "42")),
        ("٠٣٠ ٩٠١٨٢٠", "DE", Phone("+4930901820", None)),
        # A number of another country than the lead's.
        ("+44 20 7946 0958", "DE", Phone("+442079460958", None)),
        # Too short: the library makes +112 of it.
        ("12", "US", None),
        # Nobody knows whose 030 it is.
        ("030 901820", None, None),
        ("030 901820", "XX", None),
        ("call me", "DE", None),
        ("'; drop table leads; --", "US", None),
        ("", "US", None),
        ("9" * 300, "US", None),
        ("212-555-2368 ext. " + "1" * 15, "US", Phone("+12125552368", None)),
    ],
)
def test_a_number_is_kept_only_where_it_is_valid(typed: str, country: str | None, number: Phone | None) -> None:
    assert read(typed, country) == number


@given(st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)))
def test_a_number_of_each_region_is_the_same_however_it_is_written(region: str) -> None:
    example = phonenumbers.example_number_for_type(region, MOBILE) or phonenumbers.example_number(region)
    assert example is not None
    forms = phonenumbers.PhoneNumberFormat
    expected = Phone(phonenumbers.format_number(example, forms.E164), None)
    for form in (forms.E164, forms.INTERNATIONAL, forms.NATIONAL, forms.RFC3966):
        assert read(phonenumbers.format_number(example, form), region) == expected
    assert read(expected.e164, None) == expected


@given(st.text(max_size=60), st.one_of(st.none(), st.text(max_size=3), st.sampled_from(["US", "DE"])))
def test_no_text_is_an_error_and_what_is_kept_is_e164(typed: str, country: str | None) -> None:
    number = read(typed, country)
    if number is not None:
        assert E164.fullmatch(number.e164)
        assert number.extension is None or re.fullmatch(r"[0-9]{1,10}", number.extension)


def leads(postgres: Postgres) -> dict[str, tuple[str | None, str | None, str | None]]:
    return {
        row["email"]: (row["phone"], row["phone_e164"], row["phone_extension"])
        for row in postgres.fetch("select * from marketing.leads")
    }


def engine(postgres: Postgres, page: int = 2) -> Phones:
    return Phones(postgres, GROWTH, lambda: NOW, page)


@pytest.fixture
def with_leads(own: Postgres) -> Postgres:
    own.execute(
        "insert into marketing.leads (email, phone, country) values"
        " ('a@example.com', '030 901820', 'DE'), ('b@example.com', '12', 'US'), ('c@example.com', null, 'US'),"
        " ('d@example.com', '212-555-2368 ext. 42', 'US'), ('e@example.com', '030 901820', null)"
    )
    return own


READ = {
    "a@example.com": ("030 901820", "+4930901820", None),
    "b@example.com": ("12", None, None),
    "c@example.com": (None, None, None),
    "d@example.com": ("212-555-2368 ext. 42", "+12125552368", "42"),
    "e@example.com": ("030 901820", None, None),
}


def test_numbers_are_read_once_and_again_when_they_or_the_country_change(with_leads: Postgres) -> None:
    assert engine(with_leads).run() == ReadPhones(4, 2, 0)
    assert leads(with_leads) == READ
    assert engine(with_leads).run() == ReadPhones(0, 0, 0)
    with_leads.execute("update marketing.leads set country = 'DE' where email = 'e@example.com'")
    with_leads.execute("update marketing.leads set phone = '+44 20 7946 0958' where email = 'a@example.com'")
    with_leads.execute("update marketing.leads set phone = null where email = 'd@example.com'")
    with_leads.execute("update marketing.leads set name = 'Bo' where email = 'b@example.com'")
    assert engine(with_leads).run() == ReadPhones(2, 2, 0)
    assert leads(with_leads) == READ | {
        "a@example.com": ("+44 20 7946 0958", "+442079460958", None),
        "d@example.com": (None, None, None),
        "e@example.com": ("030 901820", "+4930901820", None),
    }


def test_a_number_that_changes_while_it_is_read_stays_unread(with_leads: Postgres) -> None:
    phones, late = engine(with_leads, 100), "update marketing.leads set phone = '+49 30 901821' where email like 'a%'"
    rows = phones._unread(None)
    with_leads.execute(late)
    phones._unread = lambda after: rows if after is None else []  # type: ignore[method-assign]
    assert phones.run() == ReadPhones(4, 2, 1)
    assert leads(with_leads)["a@example.com"] == ("+49 30 901821", None, None)
    assert engine(with_leads).run() == ReadPhones(1, 1, 0)
    assert leads(with_leads)["a@example.com"] == ("+49 30 901821", "+4930901821", None)

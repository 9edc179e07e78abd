"""Leads: one a person, for any spelling; dirty ones are refused by a constraint that says why, or kept as data."""

import string
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.postgres import Connection, Postgres
from tests.sql.growth.database import capture, connect, one

LOCAL = st.text(string.ascii_letters + string.digits + "._-'", min_size=1, max_size=20).filter(
    lambda text: not text.startswith(".") and not text.endswith(".") and ".." not in text
)
DOMAIN = st.from_regex(r"[a-z][a-z0-9]{0,10}\.(com|de|example)", fullmatch=True)
SQL = "Robert'); drop table marketing.leads; --"
# A short part of what breaks programs: other scripts, emoji, right-to-left, quotes, nulls in words, markup, formulas.
NAUGHTY = (
    "Ω≈ç√∫˜µ≤≥÷", "社會科學院語學研究所", "👩‍👩‍👧‍👦 🏳️‍🌈", "الكل في المجمو عة", "Z̮̞̠͙͔ͅḀ̗̞͈̻̗Ḷ͙͎̯̹̞͓G̻O̭̗̮", "NULL", "undefined",
    "\\\\", "'", '"',
    "<script>alert(1)</script>", "$(touch /tmp/x)", "{{7*7}}", "=1+1", "../../etc/passwd", "%s%n", SQL, "ﬃ", "İı",
)  # fmt: skip


def test_a_second_capture_updates_and_counts_and_keeps_what_was_first(growth: Connection) -> None:
    assert capture(growth, " Ada+news@Example.COM ", source="website-form", name="Ada  Lovelace", utm='{"a": 1}') == 1
    first = one(growth, "select * from marketing.leads")
    added = capture(
        growth, "ada@EXAMPLE.com", source="google-ads", name="Somebody", company_name="Engines, Ltd.",
        phone=" +1  202 555 0143", country="gb", consent=True, utm='{"a": 2, "b": 3}',
    )  # fmt: skip
    assert added == 0
    lead = one(growth, "select * from marketing.leads")
    assert lead["updated_at"] > first["updated_at"]
    assert {name: value for name, value in lead.items() if value != first[name]} == {
        "source": "google-ads", "company_name": "Engines, Ltd.", "company_key": "engines", "phone": "+1 202 555 0143",
        "country": "GB", "consent": True, "utm": {"a": 1, "b": 3}, "capture_count": 2, "capture_window_count": 2,
        "last_captured_at": lead["last_captured_at"], "updated_at": lead["updated_at"],
    }  # fmt: skip
    assert (lead["email"], lead["email_key"], lead["first_source"], lead["name"]) == (
        "Ada+news@Example.COM", "ada@example.com", "website-form", "Ada Lovelace"
    )  # fmt: skip


def test_a_number_is_read_again_once_it_or_the_country_changes(growth: Connection) -> None:
    read = "update marketing.leads set phone_e164 = '+12025550143', phone_extension = '7', phone_read_at = now()"
    capture(growth, "ada@example.com", phone="202 555 0143", country="US")
    for change in ("phone = '202 555 0144'", "country = 'CA'"):
        growth.execute(read)
        growth.execute("update marketing.leads set name = 'x', first_source = 'changed'")
        lead = one(growth, "select phone_e164, first_source from marketing.leads")
        assert lead == {"phone_e164": "+12025550143", "first_source": "unknown"}
        growth.execute(f"update marketing.leads set {change}".encode())
        unread = one(growth, "select phone_e164, phone_extension, phone_read_at from marketing.leads")
        assert set(unread.values()) == {None}


@settings(max_examples=60)
@given(LOCAL, st.text(string.ascii_letters + string.digits + "+.", max_size=10), DOMAIN)
def test_case_space_and_what_follows_a_plus_make_no_other_address(
    shared: Connection, local: str, tag: str, domain: str
) -> None:
    def key(email: str) -> str:
        return str(one(shared, "select pipelines.email_key(%s) as key", (email,))["key"])

    plain = key(f"{local}@{domain}")
    assert plain == f"{local}@{domain}".lower()
    assert key(plain) == plain
    assert key(f"  {local.upper()}+{tag}@{domain.title()}\n") == key(f"{local}+@{domain}") == plain
    # Neither another name nor another domain is the same; a plus at the start belongs to the name.
    assert key(f"{local}x@{domain}") != plain
    assert key(f"{local}@x{domain}") != plain
    assert key(f"+{local}@{domain}") == f"+{local}@{domain}".lower()


@settings(max_examples=60)
@given(st.text(max_size=40), st.sampled_from(["", " Inc", " GmbH", ", Ltd.", " Co., Ltd."]))
def test_a_company_is_found_without_its_legal_form(shared: Connection, name: str, form: str) -> None:
    """Of any text, where the database takes it at all; a key is its own key."""
    if "\0" in name:
        return
    found = one(
        shared,
        "select pipelines.company_key(%(a)s) as a, pipelines.company_key(pipelines.company_key(%(a)s)) as again,"
        " pipelines.company_key('Acme ' || %(form)s) as formed",
        {"a": name + form, "form": form},
    )
    assert found["again"] == found["a"]
    assert found["formed"] == "acme"


@pytest.mark.parametrize("value", [*NAUGHTY, "a" * 200])
def test_what_is_odd_is_kept_as_data(shared: Connection, value: str) -> None:
    with shared.transaction(force_rollback=True):
        assert capture(shared, "ada@example.com", name=value, company_name=value, source=value[:100]) == 1
        lead = one(shared, "select name, company_name, source, first_source from marketing.leads")
        assert lead == {"name": value, "company_name": value, "source": value[:100], "first_source": value[:100]}


@pytest.mark.parametrize(
    ("field", "value", "constraint"),
    [
        *(
            ("email", email, "leads_email_is_not_one_address")
            for email in (
                "", "ada", "@example.com", "ada@", "ada@example", "ada@@example.com", "a@b@example.com",
                "a b@example.com",
                "ada@exa mple.com", "ada@-example.com", "ada@example-.com", "ada@example..com", "ada@example.c",
                "ada@example.com.", ".ada@example.com", "ada.@example.com", "a..da@example.com", "ada@127.0.0.1",
                "ada@[127.0.0.1]", "Ada <ada@example.com>", "ada@example.com, bob@example.com",
                "ada@example.com\nBcc: x",
                "ada@exam\u202eple.com", "a\u200bda@example.com", SQL, f"{SQL}@example.com", "a" * 65 + "@example.com",
            )
        ),
        ("email", "a@" + "b." * 130 + "com", "leads_email_has_more_than_254_characters"),
        ("email", "x" * 10_000 + "@example.com", "leads_email_has_more_than_254_characters"),
        ("name", "x" * 10_000, "leads_name_is_longer_than_200_or_has_control_characters"),
        ("name", "Ada\u202eevil", "leads_name_is_longer_than_200_or_has_control_characters"),
        ("name", "Ada\x1b[31m", "leads_name_is_longer_than_200_or_has_control_characters"),
        ("company_name", "x" * 201, "leads_company_is_longer_than_200_or_has_control_characters"),
        ("phone", "1" * 10_000, "leads_phone_is_longer_than_50_or_has_control_characters"),
        ("source", "x" * 101, "leads_source_is_empty_or_not_plain_or_longer_than_100"),
        ("country", "Germany", "leads_country_is_not_two_capital_letters"),
        ("country", SQL, "leads_country_is_not_two_capital_letters"),
        ("phone_e164", "12025550143", "leads_phone_e164_is_not_plus_and_7_to_15_digits"),
        ("phone_extension", "x7", "leads_phone_extension_is_not_1_to_10_digits"),
        ("utm", "[]", "leads_utm_is_no_json_object_of_at_most_4000_bytes"),
        ("utm", '{"a": "' + "x" * 10_000 + '"}', "leads_utm_is_no_json_object_of_at_most_4000_bytes"),
        ("metadata", '"text"', "leads_metadata_is_no_json_object_of_at_most_16000_bytes"),
    ],
    ids=lambda part: str(part)[:40],
)  # fmt: skip
def test_what_is_wrong_is_refused_by_name(shared_dsn: str, field: str, value: str, constraint: str) -> None:
    row = {"email": "ada@example.com", field: value}
    names = ", ".join(row)
    with Postgres(shared_dsn) as client, pytest.raises(psycopg.errors.CheckViolation) as refused:
        client.execute(
            f"insert into marketing.leads ({names}) values ({', '.join(['%s'] * len(row))})", list(row.values())
        )
    assert refused.value.diag.constraint_name == constraint
    assert constraint in str(refused.value)
    # Values of the row are in its DETAIL, which the client leaves out.
    assert "ada@example.com" not in str(refused.value)
    assert len(str(refused.value)) < 250


def test_names_of_constraints_are_whole(shared: Connection) -> None:
    """A name that is longer than 63 bytes is cut by the database, and would say half of what is wrong."""
    names = shared.execute(
        "select conname as name from pg_constraint where contype = 'c' and connamespace::regnamespace::text"
        " in ('marketing', 'onboarding', 'analytics', 'experiments', 'whatsapp', 'pipelines')"
    ).fetchall()
    assert len(names) > 40
    assert [row["name"] for row in names if len(row["name"].encode()) > 62] == []


def test_sql_in_each_field_is_text(growth: Connection) -> None:
    capture(growth, "ada@example.com", name=SQL, company_name=SQL, phone=SQL, source=SQL, utm=f'{{"{SQL}": "{SQL}"}}')
    lead = one(growth, "select name, company_name, phone, source, utm from marketing.leads")
    assert lead == {"name": SQL, "company_name": SQL, "phone": SQL, "source": SQL, "utm": {SQL: SQL}}


def test_twenty_at_once_are_one_lead_and_the_dirty_ones_change_nothing(growth_dsn: str, growth: Connection) -> None:
    def leave(number: int) -> str:
        with connect(growth_dsn) as connection:
            try:
                capture(connection, f"ADA+{number}@example.com" if number % 2 else f"dirty {number}@example.com")
            except psycopg.errors.CheckViolation as refused:
                return str(refused.diag.constraint_name)
            return "kept"

    with ThreadPoolExecutor(20) as pool:
        done = list(pool.map(leave, range(20)))
    assert done == ["leads_email_is_not_one_address", "kept"] * 10
    assert one(growth, "select email_key, capture_count from marketing.leads") == {
        "email_key": "ada@example.com", "capture_count": 10
    }  # fmt: skip


def test_an_address_that_becomes_a_known_one_is_refused(growth: Connection) -> None:
    capture(growth, "ada@example.com")
    capture(growth, "bob@example.com")
    with pytest.raises(psycopg.errors.UniqueViolation) as refused:
        growth.execute("update marketing.leads set email = 'Ada+2@example.com' where email = 'bob@example.com'")
    assert refused.value.diag.constraint_name == "leads_email_key_is_known_already"

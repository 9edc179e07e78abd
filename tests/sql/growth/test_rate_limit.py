"""The database limits what requests add: by client, by address, with many at once, and without deadlocks."""

import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from resources.postgres import Connection
from tests.sql.growth.database import asking, capture, connect, one

MANY = 50
LIMIT_OF_CLIENT, LIMIT_OF_ADDRESS = 20, 5


def at_once(dsn: str, work: Callable[[Connection, int], None], connections: int = MANY) -> Counter[str]:
    """Do something on many connections at once: how often it went well (''), or with which SQLSTATE it failed."""

    def one_of(number: int) -> str:
        with connect(dsn) as connection:
            try:
                work(connection, number)
            except psycopg.Error as error:
                return error.sqlstate or "unknown"
            return ""

    with ThreadPoolExecutor(connections) as pool:
        return Counter(pool.map(one_of, range(connections)))


def left_by(connection: Connection, email: str, address: str) -> None:
    with asking(connection, "anon", address=address, keep=True):
        capture(connection, email)


def test_fifty_connections_of_one_client_add_as_many_rows_as_it_may(growth_dsn: str, growth: Connection) -> None:
    done = at_once(growth_dsn, lambda c, n: left_by(c, f"lead{n}@example.com", "203.0.113.7"))
    assert done == {"": LIMIT_OF_CLIENT, "PT429": MANY - LIMIT_OF_CLIENT}
    assert one(growth, "select count(*) as n from marketing.leads")["n"] == LIMIT_OF_CLIENT
    # Another client, and the same one a minute later, may go on.
    left_by(growth, "other@example.com", "203.0.113.8")
    growth.execute("update pipelines.rate_limits set minute = minute - interval '1 minute'")
    left_by(growth, "later@example.com", "203.0.113.7")


def test_fifty_clients_with_one_address_are_one_lead_that_counts_as_often_as_it_may(
    growth_dsn: str, growth: Connection
) -> None:
    done = at_once(growth_dsn, lambda c, n: left_by(c, f"Ada+{n}@example.com", f"203.0.113.{n}"))
    assert done == {"": LIMIT_OF_ADDRESS, "PT429": MANY - LIMIT_OF_ADDRESS}
    counted = one(growth, "select capture_count, capture_window_count, email_key from marketing.leads")
    assert counted == {
        "capture_count": LIMIT_OF_ADDRESS, "capture_window_count": LIMIT_OF_ADDRESS, "email_key": "ada@example.com"
    }  # fmt: skip
    growth.execute("update marketing.leads set capture_window_at = now() - interval '61 minutes'")
    left_by(growth, "ada@example.com", "203.0.113.99")
    assert one(growth, "select capture_count, capture_window_count from marketing.leads") == {
        "capture_count": LIMIT_OF_ADDRESS + 1, "capture_window_count": 1
    }  # fmt: skip


@pytest.mark.parametrize(
    ("position", "forwarded", "distinct"),
    [
        ("-1", "{n}.0.0.1, 203.0.113.7", 1),
        ("1", "{n}.0.0.1, 203.0.113.7", 3),
        ("2", "x, {n}.0.0.1", 3),
        ("9", "{n}", 1),
    ],
)
def test_the_element_that_the_proxy_sets_says_who_asks(
    shared: Connection, position: str, forwarded: str, distinct: int
) -> None:
    with shared.transaction(force_rollback=True):
        shared.execute("update pipelines.settings set rate_limit_position = %s", (position,))
        for n in range(1, 4):
            with asking(shared, "anon", address=forwarded.format(n=n), keep=True):
                capture(shared, f"lead{n}@example.com")
            shared.execute("reset role")
        clients = shared.execute("select n, octet_length(client) as bytes from pipelines.rate_limits").fetchall()
        assert len(clients) == distinct
        assert sum(row["n"] for row in clients) == 3
        assert {row["bytes"] for row in clients} == {32}


def test_requests_that_say_nothing_share_one_count_and_what_fails_is_not_counted(growth: Connection) -> None:
    for n in range(LIMIT_OF_CLIENT):
        with pytest.raises(psycopg.errors.CheckViolation), asking(growth, "anon", keep=True):
            capture(growth, "no address")
        left_by(growth, f"lead{n}@example.com", "")
    with pytest.raises(psycopg.ProgrammingError) as refused:
        left_by(growth, "more@example.com", "")
    assert (refused.value.sqlstate, refused.value.diag.message_hint) == ("PT429", "try again in a minute")
    # Neither the service nor a login that works for nobody is limited.
    for n in range(30):
        with asking(growth, "service", keep=True):
            capture(growth, f"service{n}@example.com")
        capture(growth, f"login{n}@example.com")


def test_a_salt_is_made_once_and_hides_the_address(growth_dsn: str, growth: Connection) -> None:
    assert at_once(growth_dsn, lambda c, n: left_by(c, f"l{n}@example.com", "203.0.113.7"), 8) == {"": 8}
    assert one(growth, "select count(*) as n, max(n) as most from pipelines.rate_limits") == {"n": 1, "most": 8}
    salt = one(growth, "select rate_limit_salt as salt from pipelines.settings")["salt"]
    assert len(salt) == 72
    assert one(growth, "select count(*) as n from pipelines.rate_limits where client = sha256('203.0.113.7')")["n"] == 0


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("rate_limit_header = 'X-Forwarded-For'", "settings_header_has_capitals_and_would_not_be_found"),
        ("rate_limit_position = 0", "settings_position_is_0_and_not_from_1_or_minus_1"),
        ("rate_limit_email_per_hour = 0", "settings_limit_is_below_1"),
        ("is_only_row = false", "settings_are_more_than_one_row"),
    ],
)
def test_settings_that_would_limit_wrongly_are_refused_by_name(
    shared: Connection, change: str, constraint: str
) -> None:
    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        shared.execute(f"update pipelines.settings set {change}".encode())
    assert refused.value.diag.constraint_name == constraint


def test_onboarding_is_limited_too(growth: Connection) -> None:
    numbers = itertools.count()

    def begin() -> None:
        token = f"sess_of_number_{next(numbers):04}"
        with asking(growth, "anon", token=token, address="203.0.113.7", keep=True):
            growth.execute("insert into onboarding.sessions (session_token) values (%s)", (token,))

    for _ in range(LIMIT_OF_CLIENT):
        begin()
    with pytest.raises(psycopg.ProgrammingError, match="too many requests"):
        begin()


def test_six_addresses_a_transaction_in_any_order_end_without_a_deadlock(growth_dsn: str, growth: Connection) -> None:
    """Each transaction is tried again until it went through, as its hint says."""
    addresses = [f"lead{n}@example.com" for n in range(6)]
    growth.execute(
        "update pipelines.settings set rate_limit_client_per_minute = 1000, rate_limit_email_per_hour = 1000"
    )

    def leave_six(connection: Connection, number: int) -> None:
        order = random.Random(number)
        left = 3
        while left:
            try:
                with asking(connection, "anon", address=f"203.0.113.{number}", keep=True):
                    for address in order.sample(addresses, 6):
                        capture(connection, address)
                left -= 1
            except psycopg.ProgrammingError as refused:
                if refused.sqlstate != "PT429":
                    raise
                time.sleep(order.random() / 30)

    assert at_once(growth_dsn, leave_six, 8) == {"": 8}
    counted = growth.execute("select capture_count from marketing.leads").fetchall()
    assert [row["capture_count"] for row in counted] == [24] * 6


def test_a_transaction_holds_no_more_locks_than_the_server_has_room_for(shared: Connection) -> None:
    with shared.transaction(force_rollback=True):
        shared.execute("select set_config('pipelines.leads_held', '5000', true)")
        with pytest.raises(psycopg.errors.ProgramLimitExceeded, match="more than 5,000 leads in one transaction"):
            capture(shared, "one.more@example.com")


@pytest.fixture(autouse=True)
def _nothing_is_left_in_the_shared_database(shared: Connection) -> Iterator[None]:
    yield
    assert one(shared, "select count(*) as n from marketing.leads")["n"] == 0

"""Which variant somebody sees: by a hash, by the weights, and always the same."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.postgres import Connection
from tests.sql.growth.database import VARIANTS, A, B, asking, connect, one

WEIGHTED = """[
    {"key": "control", "weight": 50, "is_control": true}, {"key": "half", "weight": 25}, {"key": "rest", "weight": 25}
]"""
ASSIGN = "select experiment_key, variant from auto_assign_experiments(%s, %s, %s)"


def running(connection: Connection, key: str, variants: str = VARIANTS, share: float = 1, audience: str = "{}") -> None:
    connection.execute(
        "insert into experiments.experiments"
        " (key, name, status, variants, traffic_share, audience, primary_metric, started_at)"
        " values (%s, %s, 'running', %s, %s, %s, 'signup', now())",
        (key, key, variants, share, audience),
    )


def assigned(
    connection: Connection, user: str | None, session: str | None, country: str | None = None
) -> dict[str, str]:
    rows = connection.execute(ASSIGN, (user, session, country)).fetchall()
    return {row["experiment_key"]: row["variant"] for row in rows}


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30), st.uuids())
def test_the_bucket_is_the_one_that_every_language_computes(shared: Connection, key: str, user: UUID) -> None:
    number = int(hashlib.md5(f"{key}:{user}".encode(), usedforsecurity=False).hexdigest()[:8], 16)
    assert one(shared, "select pipelines.bucket(%s, %s) as bucket", (key, str(user)))["bucket"] == number * 10000 >> 32


def test_the_published_bucket_stays(shared: Connection) -> None:
    user = "00000000-0000-4000-8000-000000000001"
    assert one(shared, "select pipelines.bucket('exp-checkout', %s) as bucket", (user,))["bucket"] == 2599


def test_shares_of_a_million_users_are_those_of_the_weights(shared: Connection) -> None:
    found = shared.execute(
        "select pipelines.variant_of(%s, bucket) as variant, sum(users)::int as users from ("
        " select pipelines.bucket('exp', '00000000-0000-4000-8000-' || lpad(n::text, 12, '0')) as bucket,"
        " count(*) as users from generate_series(1, 1000000) as n group by 1) as counted group by 1",
        (WEIGHTED,),
    ).fetchall()
    shares = {row["variant"]: row["users"] for row in found}
    assert sum(shares.values()) == 1_000_000
    # Five standard deviations of a binomial count.
    for variant, share in (("control", 0.5), ("half", 0.25), ("rest", 0.25)):
        assert abs(shares[variant] - 1_000_000 * share) < 5 * (1_000_000 * share * (1 - share)) ** 0.5


def test_buckets_are_cut_exactly_at_the_weights(shared: Connection) -> None:
    cut = shared.execute(
        "select pipelines.variant_of(%s, bucket) as variant, min(bucket) as first, max(bucket) as last"
        " from generate_series(0, 9999) as bucket group by 1 order by 2",
        ('[{"key": "a", "weight": 1, "is_control": true}, {"key": "b", "weight": 0.5}, {"key": "c", "weight": 1.5}]',),
    ).fetchall()
    assert [(row["variant"], row["first"], row["last"]) for row in cut] == [
        ("a", 0, 3333), ("b", 3334, 4999), ("c", 5000, 9999)
    ]  # fmt: skip


def test_an_assignment_stays_when_weights_traffic_and_country_change(growth: Connection) -> None:
    running(growth, "exp", share=0.5, audience='{"countries": ["US", "DE"]}')
    users = [f"a0000000-0000-4000-8000-{n:012}" for n in range(200)]
    first = {user: assigned(growth, user, None, "us") for user in users}
    admitted = [user for user in users if first[user]]
    assert 70 < len(admitted) < 130
    assert assigned(growth, users[0][:-1] + "f", "s", "FR") == {}
    growth.execute("update experiments.experiments set traffic_share = 1, variants = %s", (WEIGHTED,))
    after = {user: assigned(growth, user, None, "US") for user in users}
    assert {user: after[user] for user in admitted} == {user: first[user] for user in admitted}
    assert all(after.values())
    assert assigned(growth, admitted[0], None, "FR") == first[admitted[0]]
    growth.execute("update experiments.experiments set status = 'paused'")
    assert assigned(growth, admitted[0], None, "US") == {}
    counted = one(growth, "select count(*) as n, count(distinct user_id) as users from experiments.assignments")
    assert counted == {"n": 200, "users": 200}


def test_a_session_s_variant_goes_on_with_who_signs_in(growth: Connection) -> None:
    for n in range(12):
        running(growth, f"exp-{n}")
    before = assigned(growth, None, "session_123")
    assert len(before) == 12
    assert assigned(growth, A, "session_123") == before == assigned(growth, A, "another")
    assert assigned(growth, None, "session_123") == before
    # Somebody else in the same session has variants of their own.
    assert assigned(growth, B, "session_123") != before
    assert one(growth, "select count(*) as n from experiments.assignments")["n"] == 24


def test_twenty_calls_at_once_assign_once(growth_dsn: str, growth: Connection) -> None:
    running(growth, "exp")
    running(growth, "exp-2")

    def call(number: int) -> dict[str, str]:
        with connect(growth_dsn) as connection:
            return assigned(connection, A, f"session {number % 3}")

    assigned(growth, None, "session 1")
    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(call, range(20)))
    assert len({tuple(sorted(each.items())) for each in found}) == 1
    assert one(growth, "select count(*) as n from experiments.assignments where user_id is not null")["n"] == 2


def test_a_user_asks_for_their_own_variants_only(growth: Connection) -> None:
    running(growth, "exp")
    with asking(growth, "a"):
        assert assigned(growth, A, "s").keys() == {"exp"}
    for who, user in (("a", B), ("a", None), ("anon", None)):
        with asking(growth, who), pytest.raises(psycopg.errors.InsufficientPrivilege):
            assigned(growth, user, "s")
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="neither user_id nor session_id"):
        assigned(growth, None, "")


@pytest.mark.parametrize(
    ("field", "value", "constraint"),
    [
        *(
            ("variants", variants, "experiments_variants_are_not_two_with_weights_and_one_control")
            for variants in (
                "[]", "{}", "null", '"x"', '[{"key": "a", "weight": 1, "is_control": true}]',
                '[{"key": "a", "weight": 1}, {"key": "b", "weight": 1}]',
                '[{"key": "a", "weight": 1, "is_control": true}, {"key": "a", "weight": 1}]',
                '[{"key": "a", "weight": 1, "is_control": true}, {"key": "b", "weight": 0}]',
                '[{"key": "a", "weight": 1, "is_control": true}, {"key": "b", "weight": "1"}]',
                '[{"key": "a", "weight": 1, "is_control": true}, {"weight": 1}]',
                '[{"key": "a", "weight": 1, "is_control": true}, 7]',
            )
        ),
        ("traffic_share", "1.5", "experiments_traffic_share_is_not_0_to_1"),
        ("alpha", "0", "experiments_alpha_is_not_between_0_and_1"),
        ("audience", '{"city": ["Rome"]}', "experiments_audience_has_more_than_a_list_of_countries"),
        ("key", "No Spaces", "experiments_key_is_not_small_letters_digits_and_dashes"),
        ("planned_total", "0", "experiments_planned_total_or_exposure_is_not_positive"),
        ("started_at", None, "experiments_running_has_no_start"),
    ],
    ids=lambda part: str(part)[:50],
)  # fmt: skip
def test_what_is_wrong_of_an_experiment_is_refused_by_name(
    shared: Connection, field: str, value: str, constraint: str
) -> None:
    with shared.transaction(force_rollback=True):
        running(shared, "exp")
        with pytest.raises(psycopg.errors.CheckViolation) as refused:
            shared.execute(f"update experiments.experiments set {field} = %s".encode(), (value,))
        assert refused.value.diag.constraint_name == constraint

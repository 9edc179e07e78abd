"""The assignment: over a million users, beside a recount in SQL, and beside what the app's own function assigns."""

import math
import uuid
from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.experiments.buckets import bucket, follows, variant_of
from assets.experiments.definition import Variant
from tests.assets.experiments.lab import Lab

MILLION = 1_000_000


def weighted(*weights: str) -> list[Variant]:
    whole = sum(map(Decimal, weights))
    return [Variant(f"v{n}", Decimal(w), float(Decimal(w) / whole), n == 0) for n, w in enumerate(weights)]


def within_binomial(count: int, share: float, trials: int) -> bool:
    """Within 4 standard deviations, which a right share leaves once in 16,000 times."""
    return abs(count - share * trials) <= 4 * math.sqrt(trials * share * (1 - share))


def test_the_formula_stays_what_it_is() -> None:
    assert bucket("exp-checkout", "00000000-0000-4000-8000-000000000001") == 2_599


def test_a_million_users_are_shared_by_the_weights_and_a_ramp_up_moves_nobody() -> None:
    variants = weighted("50", "30", "20")
    of_bucket = [variant_of(variants, number) for number in range(10_000)]
    shared: Counter[str] = Counter()
    admitted: Counter[str] = Counter()
    for number in range(MILLION):
        user = f"00000000-0000-4000-8000-{number:012d}"
        variant = of_bucket[bucket("checkout", user)]
        shared[variant] += 1
        # Another hash admits: the variant depends on no share of the traffic, and who is in stays in.
        if number % 10 == 0 and bucket("checkout:traffic", user) < 3_000:
            admitted[variant] += 1
    for one in variants:
        assert within_binomial(shared[one.key], one.share, MILLION)
        assert within_binomial(admitted[one.key], one.share * 0.3, MILLION // 10)


@given(weights=st.lists(st.decimals("0.001", "1000", places=3), min_size=2, max_size=6))
@settings(max_examples=30)
def test_each_variant_has_its_share_of_the_buckets(weights: list[Decimal]) -> None:
    variants = weighted(*map(str, weights))
    found = Counter(variant_of(variants, number) for number in range(0, 10_000, 20))
    for variant in variants:
        assert abs(found[variant.key] - variant.share * 500) <= 1
    with pytest.raises(ValueError, match="at most 9999"):
        variant_of(variants, 10_000)


def test_sql_says_the_same(lab: Lab) -> None:
    variants = weighted("0.1", "0.2", "0.7", "33.333")
    listed = [{"key": one.key, "weight": float(one.weight), "is_control": one.is_control} for one in variants]
    rows = lab.source.fetch(
        """
        select user_id, bucket, pipelines.variant_of(%s::text::jsonb, bucket) as variant
        from (
            select user_id, pipelines.bucket('prüfung', user_id) as bucket
            from (select gen_random_uuid()::text as user_id from generate_series(1, 5000)) as drawn
        ) as hashed
        """,
        (str(listed).replace("'", '"').replace("True", "true").replace("False", "false"),),
    )
    for row in rows:
        assert row["bucket"] == bucket("prüfung", row["user_id"])
        assert row["variant"] == variant_of(variants, row["bucket"])


def test_what_the_app_assigns_follows_the_hash_and_stays(lab: Lab) -> None:
    lab.define(variants=[("control", 3, True), ("treatment", 1, False)])
    users = [uuid.uuid4() for _ in range(200)]
    for user in (*users, *users):
        lab.source.fetch("select * from public.auto_assign_experiments(%s, %s, 'DE')", (user, f"of-{user}"))
    rows = lab.source.fetch("select variant, bucket, user_id::text as user_id from experiments.assignments")
    assert len(rows) == 200
    variants = [Variant("control", Decimal(3), 0.75, True), Variant("treatment", Decimal(1), 0.25, False)]
    assert all(follows("checkout", variants, (row["variant"], row["bucket"]), [row["user_id"]]) for row in rows)


def test_a_session_s_variant_goes_on_with_its_user(lab: Lab) -> None:
    lab.define()
    for number in range(20):
        for user in (None, uuid.uuid4()):
            lab.source.fetch("select * from public.auto_assign_experiments(%s, %s)", (user, f"session-{number}"))
    rows = lab.source.fetch("select variant, bucket, user_id::text as user_id, session_id from experiments.assignments")
    variants = [Variant("control", Decimal(1), 0.5, True), Variant("treatment", Decimal(1), 0.5, False)]
    assert len(rows) == 20
    for row in rows:
        assigned = row["variant"], row["bucket"]
        assert follows("checkout", variants, assigned, [row["user_id"], row["session_id"]])
        assert not follows("checkout", variants, ("elsewhere", row["bucket"]), [row["session_id"]])
        assert not follows("checkout", variants, assigned, [row["user_id"]]) or row["bucket"] == bucket(
            "checkout", row["user_id"]
        )

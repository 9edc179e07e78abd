"""No two stores in one place: by what their settings say at the start."""

import pytest

from clearlift_pipelines.settings import SettingsError, load

pytestmark = pytest.mark.usefixtures("bare_environment")

OURS, GROWTH, HISTORY = "CLEARLIFT_POSTGRES_DSN", "CLEARLIFT_POSTGRES__GROWTH", "CLEARLIFT_DAGSTER_POSTGRES_URL"
CLOUDFLARE = {"CLEARLIFT_CLOUDFLARE_ACCOUNT_ID": "acct", "CLEARLIFT_CLOUDFLARE_API_TOKEN": "hush"}
POOLER = "aws-0-eu-central-1.pooler.supabase.com"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((OURS, "postgresql://u:hush@db.example/one"), (GROWTH, "postgresql://u:hush@db.example/one")),
        # The same written in another way: capitals, the port, another user, the order of words.
        ((OURS, "postgresql://u:hush@DB.example/one"), (GROWTH, "host=db.example port=5432 user=v dbname=one")),
        ((OURS, "postgresql://u@localhost/one"), (GROWTH, "postgresql://u@127.0.0.1:5432/one?sslmode=disable")),
        # Without a name the database is called as its user.
        ((OURS, "postgresql://one:hush@db.example"), (GROWTH, "postgresql://u@db.example/one")),
        # One project of Supabase, by its direct port and by the pooler in both of its modes.
        (
            (OURS, "postgresql://postgres:hush@db.abcdefgh.supabase.co:5432/postgres"),
            (GROWTH, f"postgresql://postgres.abcdefgh:hush@{POOLER}:6543/postgres"),
        ),
        (
            (OURS, f"postgresql://postgres.abcdefgh:hush@{POOLER}:5432/postgres"),
            (GROWTH, f"postgresql://postgres.abcdefgh:hush@{POOLER}:6543/postgres"),
        ),
        # The app's database holds nothing of Dagster's.
        ((HISTORY, "postgresql+psycopg2://u:hush@db.example/one"), (GROWTH, "postgresql://u@db.example/one")),
        (("CLEARLIFT_D1__CLEARLIFT", "0a-1B"), ("CLEARLIFT_D1__SESH", "0A-1b")),
        (("CLEARLIFT_KV__CLEARLIFT", "abc"), ("CLEARLIFT_KV__GROWTH", "abc")),
    ],
)
def test_two_stores_in_one_place_are_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, first: tuple[str, str], second: tuple[str, str]
) -> None:
    if first[0].startswith(("CLEARLIFT_D1", "CLEARLIFT_KV")):
        for name, value in CLOUDFLARE.items():
            monkeypatch.setenv(name, value)
    for name, value in (first, second):
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        load()
    said = str(refused.value)
    assert said.startswith(f"{first[0]} and {second[0]} lead to one place; each needs its own. Next: ")
    assert "\n" not in said
    assert "hush" not in said


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((OURS, "postgresql://u@db.example/one"), (GROWTH, "postgresql://u@db.example/two")),
        ((OURS, "postgresql://u@db.example:5432/one"), (GROWTH, "postgresql://u@db.example:5433/one")),
        # Two projects behind one pooler.
        (
            (OURS, f"postgresql://postgres.abcdefgh:x@{POOLER}:6543/postgres"),
            (GROWTH, f"postgresql://postgres.hgfedcba:x@{POOLER}:6543/postgres"),
        ),
        # Dagster's tables may lie beside ours.
        ((OURS, "postgresql://u@db.example/one"), (HISTORY, "postgresql+psycopg2://u@db.example/one")),
    ],
)
def test_what_may_be_shared_is_taken(
    monkeypatch: pytest.MonkeyPatch, first: tuple[str, str], second: tuple[str, str]
) -> None:
    for name, value in (first, second):
        monkeypatch.setenv(name, value)
    assert load().postgres_dsn is not None

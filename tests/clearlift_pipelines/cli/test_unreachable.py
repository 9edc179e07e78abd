"""A store that nobody answers for: one line with the variable that says where it is, and what to do next."""

from collections.abc import Callable, Mapping

import pytest

from assets.apps.clearlift import APP as CLEARLIFT
from assets.apps.growth import APP as GROWTH
from clearlift_pipelines.settings import load
from clearlift_pipelines.stores import Stores
from clearlift_pipelines.variables import NAMES_OF_TODAY, variable_of
from resources.declined import DeclinedError
from resources.http import Session
from resources.lake.catalogs import rest_catalog
from resources.r2 import BucketObjectStore
from tests.clearlift_pipelines.cli.terminal import Terminal

NOBODY = "http://127.0.0.1:1"
CLOUDFLARE = {"CLEARLIFT_CLOUDFLARE_API_TOKEN": "hush", "CLEARLIFT_CLOUDFLARE_API_URL": NOBODY}
BUCKET = {
    "CLEARLIFT_R2_BUCKET": "b",
    "CLEARLIFT_R2_ENDPOINT": NOBODY,
    "CLEARLIFT_R2_ACCESS_KEY_ID": "id",
    "CLEARLIFT_R2_SECRET_ACCESS_KEY": "hush",
}
CATALOG = {
    "CLEARLIFT_LAKE_CATALOG_URI": NOBODY,
    "CLEARLIFT_LAKE_WAREHOUSE": "w",
    "CLEARLIFT_LAKE_TOKEN": "hush",
}
R2_SQL = {
    "CLEARLIFT_CLOUDFLARE_ACCOUNT_ID": "a",
    "CLEARLIFT_R2_SQL_TOKEN": "hush",
    "CLEARLIFT_R2_SQL_URL": NOBODY,
    **BUCKET,
    **CATALOG,
}
BY_TODAY = {variable_of(old): variable_of(today) for old, today in NAMES_OF_TODAY.items()}
POSTGRES = "postgresql://u:hush@127.0.0.1:1/x?connect_timeout=2"


def of_today(variables: Mapping[str, str]) -> dict[str, str]:
    """The same by Cloudflare's names of today."""
    return {BY_TODAY.get(name, name): value for name, value in variables.items()}


def asked_r2_sql(stores: Stores) -> object:
    assert stores.r2_sql is not None
    return stores.r2_sql.query("select 1")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits before a further try."""

    def no_time(_: float) -> None:
        pass

    for made, name, value in (
        (Session.__init__, "sleep", no_time),
        (rest_catalog, "sleep", no_time),
        (BucketObjectStore.__init__, "retries", 0),
    ):
        defaults = made.__kwdefaults__
        assert defaults is not None
        monkeypatch.setitem(defaults, name, value)


@pytest.mark.usefixtures("impatient", "bare_environment")
@pytest.mark.parametrize(
    ("variables", "ask", "named"),
    [
        ({"CLEARLIFT_POSTGRES_DSN": POSTGRES}, lambda s: s.postgres.fetch("select 1"), "CLEARLIFT_POSTGRES_DSN"),
        (
            {"CLEARLIFT_POSTGRES__GROWTH": POSTGRES},
            lambda s: s.app_postgres(GROWTH).fetch("select 1"),
            "CLEARLIFT_POSTGRES__GROWTH",
        ),
        (
            {**CLOUDFLARE, "CLEARLIFT_D1__CLEARLIFT": "id"},
            lambda s: s.d1(CLEARLIFT).query("select 1"),
            "CLEARLIFT_CLOUDFLARE_API_URL",
        ),
        (
            {**CLOUDFLARE, "CLEARLIFT_KV__CLEARLIFT": "id"},
            lambda s: list(s.kv(CLEARLIFT).list()),
            "CLEARLIFT_CLOUDFLARE_API_URL",
        ),
        (BUCKET, lambda s: s.object_store.put("a", b"b"), "CLEARLIFT_R2_ENDPOINT"),
        (CATALOG, lambda s: s.lake.catalog, "CLEARLIFT_LAKE_CATALOG_URI"),
        (R2_SQL, asked_r2_sql, "CLEARLIFT_R2_SQL_URL"),
        (of_today(CATALOG), lambda s: s.lake.catalog, "CLEARLIFT_BASIN_CATALOG_URI"),
        (of_today(R2_SQL), asked_r2_sql, "CLEARLIFT_BASIN_SQL_URL"),
    ],
)
def test_each_store_names_its_variable_and_the_next_step(
    monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str], ask: Callable[[Stores], object], named: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with Stores(load()) as stores, pytest.raises(DeclinedError) as raised:
        ask(stores)
    said = str(raised.value)
    assert said.endswith(f"can be reached from here, or correct {named}")
    assert " Next: see that " in said
    assert raised.value.retryable
    assert "hush" not in said


def test_a_command_says_it_in_one_line(terminal: Terminal) -> None:
    terminal.stores.migrate()
    terminal.monkeypatch.setenv("CLEARLIFT_POSTGRES__GROWTH", POSTGRES)
    said = terminal.refused("job", "phones")
    assert said.startswith("Error: Postgres at 127.0.0.1:1/x: no connection: ")
    assert said.endswith("see that its server can be reached from here, or correct CLEARLIFT_POSTGRES__GROWTH")
    assert "hush" not in said


@pytest.mark.parametrize("given", [CATALOG, of_today(CATALOG)], ids=["old names", "names of today"])
def test_doctor_names_what_is_missing_by_the_names_that_were_given(terminal: Terminal, given: dict[str, str]) -> None:
    *others, missing = given
    for name in others:
        terminal.monkeypatch.setenv(name, given[name])
    said = terminal.refused("doctor")
    assert said.startswith(f"Error: {missing} is missing ({others[0]} is set)")

"""Settings: embedded by default, a real store only when it is whole, and never a secret on show."""

from pathlib import Path

import pytest

from assets.apps import APPS
from clearlift_pipelines import store_places
from clearlift_pipelines.settings import SettingsError, load
from clearlift_pipelines.stores import Stores
from clearlift_pipelines.variables import NAMES_OF_TODAY, variable_of
from resources.d1 import CloudflareD1, EmbeddedD1
from resources.kv import CloudflareKV
from tests.clearlift_pipelines.refused_settings import refusal, set_variables

from assets.apps.clearlift import APP as CLEARLIFT  # isort: skip

pytestmark = pytest.mark.usefixtures("bare_environment")

ACCOUNT = {"CLEARLIFT_CLOUDFLARE_ACCOUNT_ID": "acc", "CLEARLIFT_CLOUDFLARE_API_TOKEN": "hush-token"}
R2 = {
    "CLEARLIFT_R2_BUCKET": "bucket",
    "CLEARLIFT_R2_ENDPOINT": "https://r2.example",
    "CLEARLIFT_R2_ACCESS_KEY_ID": "key-id",
    "CLEARLIFT_R2_SECRET_ACCESS_KEY": "hush-secret",
}
LAKE = {
    "CLEARLIFT_LAKE_CATALOG_URI": "https://catalog.example",
    "CLEARLIFT_LAKE_WAREHOUSE": "warehouse",
    "CLEARLIFT_LAKE_TOKEN": "hush-lake",
}
POSTGRES = {
    "CLEARLIFT_POSTGRES_DSN": "postgresql://me:hush-password@db.example/x",
    "CLEARLIFT_DAGSTER_POSTGRES_URL": "postgresql://me:hush-dagster@db.example/d",
}
D1 = {**ACCOUNT, "CLEARLIFT_D1__CLEARLIFT": "d1-id"}
KV = {**ACCOUNT, "CLEARLIFT_KV__CLEARLIFT": "kv-id"}
ADS = {
    "CLEARLIFT_AD_APPS__GOOGLE__CLIENT_ID": "google-id",
    "CLEARLIFT_AD_APPS__GOOGLE__CLIENT_SECRET": "hush-google",
    "CLEARLIFT_AD_APPS__GOOGLE__DEVELOPER_TOKEN": "hush-developer",
    "CLEARLIFT_AD_APPS__TIKTOK__APP_ID": "tiktok-id",
    "CLEARLIFT_AD_ORIGIN": "http://127.0.0.1:8990/",
}
BACKUPS = {
    "CLEARLIFT_BACKUP_BUCKET": "copies",
    "CLEARLIFT_BACKUP_ENDPOINT": "https://other.example",
    "CLEARLIFT_BACKUP_ACCESS_KEY_ID": "backup-id",
    "CLEARLIFT_BACKUP_SECRET_ACCESS_KEY": "hush-backup",
}
EVERYTHING = {
    **BACKUPS,
    **D1,
    **KV,
    **R2,
    **LAKE,
    **POSTGRES,
    **ADS,
    "CLEARLIFT_AD_APPS__TIKTOK__SECRET": "hush-tiktok",
}


def test_nothing_set_is_all_embedded(bare_environment: Path) -> None:
    settings = load()
    assert settings.embedded
    assert settings.home == bare_environment / ".clearlift"


def test_everything_set_is_all_real_and_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, EVERYTHING)
    settings = load()
    assert not settings.embedded
    stores = Stores(settings)
    assert isinstance(stores.d1(CLEARLIFT), CloudflareD1)
    assert isinstance(stores.kv(CLEARLIFT), CloudflareKV)
    assert stores.object_store.uri() == "s3://bucket"
    assert stores.backup_store.uri(stores.backup_prefix) == "s3://copies/backups"
    stores.close()


def test_one_real_store_beside_embedded_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, KV)
    stores = Stores(load())
    assert isinstance(stores.d1(CLEARLIFT), EmbeddedD1)
    assert isinstance(stores.kv(CLEARLIFT), CloudflareKV)
    stores.close()


@pytest.mark.parametrize(
    ("whole", "missing"),
    [(store, name) for store in (D1, KV, R2, LAKE, BACKUPS) for name in store if not name.endswith("__CLEARLIFT")],
)
@pytest.mark.parametrize("how", ["absent", "empty"])
def test_a_half_configured_store_is_refused_naming_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, whole: dict[str, str], missing: str, how: str
) -> None:
    set_variables(monkeypatch, whole)
    if how == "absent":
        monkeypatch.delenv(missing)
    else:
        monkeypatch.setenv(missing, "")
    said = refusal()
    assert said.startswith(f"{missing} ")
    assert " is missing (" in said
    assert "hush" not in said


def test_the_endpoint_of_r2_follows_from_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, {**R2, "CLEARLIFT_CLOUDFLARE_ACCOUNT_ID": "acc"})
    monkeypatch.delenv("CLEARLIFT_R2_ENDPOINT")
    assert not load().embedded


def test_backups_lie_in_r2_or_in_a_further_bucket_that_its_credentials_open(monkeypatch: pytest.MonkeyPatch) -> None:
    stores = Stores(load())
    assert stores.backup_store.uri() == stores.object_store.uri()
    monkeypatch.setenv("CLEARLIFT_BACKUP_BUCKET", "copies")
    said = "CLEARLIFT_BACKUP_ENDPOINT or CLEARLIFT_R2_BUCKET is missing (CLEARLIFT_BACKUP_BUCKET is set)"
    assert refusal() == said
    set_variables(monkeypatch, R2)
    assert Stores(load()).backup_store.uri("a") == "s3://copies/a"


@pytest.mark.parametrize("where", ["environment", ".env"])
@pytest.mark.parametrize("name", ["CLEARLIFT_FOO", "CLEARLIFT_", "CLEARLIFT_CLEARLIFT"])
def test_an_unknown_variable_is_refused(
    monkeypatch: pytest.MonkeyPatch, bare_environment: Path, name: str, where: str
) -> None:
    if where == ".env":
        (bare_environment / ".env").write_text(f"OTHER=1\n{name}=hush\n")
    else:
        monkeypatch.setenv(name, "hush")
    said = refusal()
    assert said.startswith(f"{name} is no setting; known are ")
    assert "CLEARLIFT_POSTGRES_DSN" in said
    assert "hush" not in said


BASIN = {
    "CLEARLIFT_BASIN_CATALOG_URI": "https://catalog.example/",
    "CLEARLIFT_BASIN_CATALOG_WAREHOUSE": "warehouse",
    "CLEARLIFT_BASIN_CATALOG_TOKEN": "hush-lake",
    "CLEARLIFT_BASIN_SQL_TOKEN": "hush-sql",
    "CLEARLIFT_BASIN_SQL_URL": "https://sql.example",
}


@pytest.mark.parametrize("where", ["environment", ".env"])
def test_cloudflares_names_of_today_are_the_old_ones(
    monkeypatch: pytest.MonkeyPatch, bare_environment: Path, where: str
) -> None:
    if where == ".env":
        (bare_environment / ".env").write_text(
            "".join(f"{name}={value}\n" for name, value in {**R2, **BASIN, **D1}.items())
        )
    else:
        set_variables(monkeypatch, {**R2, **BASIN, **D1})
    settings = load()
    assert (settings.lake_catalog_uri, settings.lake_warehouse) == ("https://catalog.example", "warehouse")
    assert settings.lake_token is not None
    assert settings.lake_token.get_secret_value() == "hush-lake"
    assert settings.r2_sql_token is not None
    assert settings.r2_sql_url == "https://sql.example"


def test_both_names_of_a_setting_may_not_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, {**R2, **LAKE, "CLEARLIFT_BASIN_CATALOG_TOKEN": "hush-other"})
    assert "CLEARLIFT_BASIN_CATALOG_TOKEN and CLEARLIFT_LAKE_TOKEN are one setting" in refusal()
    assert "hush" not in refusal()
    set_variables(monkeypatch, {"CLEARLIFT_BASIN_CATALOG_TOKEN": LAKE["CLEARLIFT_LAKE_TOKEN"]})
    assert load().lake_token is not None


def test_a_wrong_value_is_named_by_the_name_that_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEARLIFT_BASIN_SQL_URL", "nowhere")
    assert refusal().startswith("CLEARLIFT_BASIN_SQL_URL: the beginning of an address is expected")


# Those of BASIN: the others have defaults, so that nothing is half configured by them.
TWO_NAMED = {
    variable_of(old): variable_of(today) for old, today in NAMES_OF_TODAY.items() if variable_of(today) in BASIN
}
NEEDED = {**R2, "CLEARLIFT_CLOUDFLARE_ACCOUNT_ID": "acc"}


@pytest.mark.parametrize("by_today", [False, True], ids=["old", "today"])
@pytest.mark.parametrize("old", TWO_NAMED)
def test_what_is_half_configured_is_said_by_the_names_that_were_given(
    monkeypatch: pytest.MonkeyPatch, old: str, by_today: bool
) -> None:
    names = {name: today if by_today else name for name, today in TWO_NAMED.items()}
    set_variables(monkeypatch, {**NEEDED, names[old]: BASIN[TWO_NAMED[old]]})
    missing, _, because = refusal().partition(" is missing (")
    assert because == f"{names[old]} is set)"
    assert missing in names.values()
    # In the second place it is named as well, where all but one are there.
    set_variables(monkeypatch, {names[each]: BASIN[today] for each, today in TWO_NAMED.items()})
    for each in names.values():
        with monkeypatch.context() as patch:
            patch.delenv(each)
            if not each.endswith("SQL_URL"):
                assert refusal().startswith(f"{each} is missing (")


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("CLEARLIFT_POSTGRE_DSN", "CLEARLIFT_POSTGRES_DSN"),
        ("CLEARLIFT_POSTGRES_DNS", "CLEARLIFT_POSTGRES_DSN"),
        ("CLEARLIFT_R2BUCKET", "CLEARLIFT_R2_BUCKET"),
        ("CLEARLIFT_AD_APP__GOOGLE__CLIENT_ID", "CLEARLIFT_AD_APPS__GOOGLE__CLIENT_ID"),
    ],
)
def test_a_misspelt_setting_gets_a_suggestion(monkeypatch: pytest.MonkeyPatch, wrong: str, right: str) -> None:
    monkeypatch.setenv(wrong, "hush")
    assert refusal() == f"{wrong} is no setting; did you mean {right}?"


@pytest.mark.parametrize("name", ["CLEARLIFT_D1", "CLEARLIFT_AD_APPS", "CLEARLIFT_KEYRING"])
def test_a_setting_that_is_nested_too_deep_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, 100_000 * "[")
    said = refusal()
    assert said.startswith(f"{name}: ")
    assert "[[" not in said


@pytest.mark.parametrize("store", ["D1", "KV"])
def test_a_store_of_no_app_is_refused(monkeypatch: pytest.MonkeyPatch, store: str) -> None:
    set_variables(monkeypatch, {**ACCOUNT, f"CLEARLIFT_{store}__CLEARLYFT": "id"})
    assert f"CLEARLIFT_{store}__CLEARLYFT names no app" in refusal()


def test_applications_at_the_ad_platforms_are_given_name_by_name(
    monkeypatch: pytest.MonkeyPatch, bare_environment: Path
) -> None:
    set_variables(monkeypatch, ADS)
    (bare_environment / ".env").write_text("CLEARLIFT_AD_APPS__TIKTOK__SECRET=hush-tiktok\n")
    settings = load()
    assert settings.embedded, "ad platforms are no store"
    stores = Stores(settings)
    assert stores.ad_apps == {
        "google": {"client_id": "google-id", "client_secret": "hush-google", "developer_token": "hush-developer"},
        "tiktok": {"app_id": "tiktok-id", "secret": "hush-tiktok"},
    }
    assert stores.ad_origin == "http://127.0.0.1:8990"
    assert "hush" not in repr(settings)


def test_no_application_and_no_origin_by_default() -> None:
    stores = Stores(load())
    assert (stores.ad_apps, stores.ad_origin) == ({}, "")


def test_half_an_application_is_refused_naming_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEARLIFT_AD_APPS__GOOGLE__CLIENT_ID", "hush-id")
    given_id = "(CLEARLIFT_AD_APPS__GOOGLE__CLIENT_ID is set)"
    assert refusal() == f"CLEARLIFT_AD_APPS__GOOGLE__CLIENT_SECRET is missing {given_id}"


def test_a_token_for_no_store_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEARLIFT_CLOUDFLARE_API_TOKEN", "hush")
    assert refusal() == "CLEARLIFT_D1__… or CLEARLIFT_KV__… is missing (CLEARLIFT_CLOUDFLARE_API_TOKEN is set)"


def test_a_dotenv_file_is_read_and_the_environment_comes_first(
    monkeypatch: pytest.MonkeyPatch, bare_environment: Path
) -> None:
    (bare_environment / ".env").write_text("CLEARLIFT_LATE_DAYS=3\nCLEARLIFT_PARTITIONS_START=2026-01-01\n")
    monkeypatch.setenv("CLEARLIFT_LATE_DAYS", "4")
    settings = load()
    assert (settings.late_days, f"{settings.partitions_start}") == (4, "2026-01-01")
    assert load(late_days=5).late_days == 5


def test_secrets_stay_out_of_every_text(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, EVERYTHING)
    settings = load()
    stores = Stores(settings)
    texts = [
        repr(settings),
        str(settings),
        settings.model_dump_json(),
        str(settings.model_dump()),
        repr(stores),
        repr(stores.postgres),
    ]
    texts += [repr(stores.object_store), repr(stores.d1(CLEARLIFT)), repr(stores.kv(CLEARLIFT)), repr(stores.lake)]
    stores.close()
    assert not [text for text in texts if "hush" in text]


def test_settings_do_not_change_once_made() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load().late_days = 3


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("CLEARLIFT_LATE_DAYS=3\nCLEARLIFT_POSTGRES_DSN='postgresql://u:it's-hush@h/db'\n", 2),
        ("\n\nhello hush\n", 3),
        ("CLEARLIFT_POSTGRES_DSN\n", 1),
    ],
)
def test_a_line_of_env_that_is_no_setting_is_named_and_not_shown(tmp_path: Path, text: str, line: int) -> None:
    (tmp_path / ".env").write_text(text)
    with pytest.raises(SettingsError, match=rf"\.env: line {line} is not NAME=VALUE") as refused:
        load(tmp_path / ".env")
    assert "hush" not in str(refused.value)


def test_an_env_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"CLEARLIFT_LATE_DAYS=\xea\n")
    with pytest.raises(SettingsError, match=r"\.env is not UTF-8"):
        load(tmp_path / ".env")


def test_an_account_alone_is_half_a_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEARLIFT_CLOUDFLARE_ACCOUNT_ID", "acc")
    said = "CLEARLIFT_CLOUDFLARE_API_TOKEN or CLEARLIFT_R2_BUCKET is missing (CLEARLIFT_CLOUDFLARE_ACCOUNT_ID is set)"
    assert refusal() == said


def in_production() -> dict[str, str]:
    """Every store real, and a key set."""
    return {
        **EVERYTHING,
        **{f"CLEARLIFT_D1__{app.name}".upper(): f"{app.name}-d1-id" for app in APPS if app.d1_migrations},
        **{f"CLEARLIFT_KV__{app.name}".upper(): f"{app.name}-kv-id" for app in APPS if app.has_kv},
        **{
            f"CLEARLIFT_POSTGRES__{app.name}".upper(): f"postgresql://me:hush@db.example/{app.name}"
            for app in APPS
            if app.postgres_migrations
        },
        "CLEARLIFT_KEYRING_COMMAND": "cat /run/secrets/keys",
        "CLEARLIFT_PRODUCTION": "true",
    }


def test_production_takes_no_embedded_store_and_names_what_makes_each_real(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, in_production())
    chosen = load()
    assert {place.kind for place in store_places.of(chosen)} == {"real"}
    for missing in (
        "CLEARLIFT_DAGSTER_POSTGRES_URL",
        "CLEARLIFT_D1__SESH",
        "CLEARLIFT_KV__SESH",
        "CLEARLIFT_POSTGRES__GROWTH",
    ):
        monkeypatch.delenv(missing)
        assert f"({missing})" in refusal()
        monkeypatch.setenv(missing, in_production()[missing])
    monkeypatch.delenv("CLEARLIFT_KEYRING_COMMAND")
    assert refusal().startswith(
        "CLEARLIFT_PRODUCTION is true, and embedded here or missing: key set (CLEARLIFT_KEYRING_FILE)"
    )


def test_production_alone_names_every_store(monkeypatch: pytest.MonkeyPatch) -> None:
    stores = store_places.of(load())
    assert {place.kind for place in stores} == {"embedded"}
    monkeypatch.setenv("CLEARLIFT_PRODUCTION", "true")
    said = refusal()
    assert all(f"{place.name} ({place.variable})" in said for place in stores)


def test_where_a_store_lies_says_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, in_production())
    where = {place.name: place.where for place in store_places.of(load())}
    assert where["postgres"] == "db.example:5432/x"
    assert where["object store"] == "bucket bucket of r2.example"
    assert where["sesh-d1"] == "database sesh-d1-id"
    assert not any(word in text for text in where.values() for word in ("hush", "me:", "key-id"))

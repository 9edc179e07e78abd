"""What `clearlift init` asks: the settings of real stores, a store a topic.

What belongs here: which settings make a topic, in which order. What does not: asking (init.py), and the settings
themselves (settings.py).
"""

from typing import NamedTuple

from pydantic import SecretStr

from assets.apps import APPS, App
from clearlift_pipelines.settings import Settings
from clearlift_pipelines.variables import PREFIX
from resources.ad_platforms import PLATFORMS

# Fields of the settings; a family is one question for each app that has such a store.
TOPICS = {
    "Cloudflare's D1 and Workers KV": ("cloudflare_account_id", "cloudflare_api_token", "d1", "kv"),
    "R2": ("r2_bucket", "r2_endpoint", "r2_access_key_id", "r2_secret_access_key"),
    "a bucket of the backups, best in another account": (
        "backup_bucket",
        "backup_endpoint",
        "backup_access_key_id",
        "backup_secret_access_key",
    ),
    "Basin Catalog (R2 Data Catalog)": ("lake_catalog_uri", "lake_warehouse", "lake_token"),
    "Basin SQL (R2 SQL)": ("r2_sql_token",),
    "Postgres": ("postgres_dsn", "postgres_role", "postgres"),
    "Postgres for Dagster's run history": ("dagster_postgres_url",),
    **{
        f"an application at {name}": tuple(f"ad_apps__{name}__{part}" for part in platform.credentials)
        for name, platform in PLATFORMS.items()
    },
}


class Question(NamedTuple):
    """One variable, what it is for, and whether its value is a secret."""

    variable: str
    meaning: str
    secret: bool


def questions(topic: str) -> list[Question]:
    """The questions of a topic."""
    return [question for field in TOPICS[topic] for question in _of_field(field)]


def _of_field(path: str) -> list[Question]:
    name, _, member = path.partition("__")
    field = Settings.model_fields[name]
    secret = SecretStr in (field.annotation, *getattr(field.annotation, "__args__", ())) or name == "ad_apps"
    if member or name not in _HAVING:
        return [Question(f"{PREFIX}{path}".upper(), field.description or "", secret)]
    return [
        Question(f"{PREFIX}{name}__{app.name}".upper(), f"{field.description}: {app.title}", secret)
        for app in APPS
        if _HAVING[name](app)
    ]


def _has_d1(app: App) -> bool:
    return app.d1_migrations is not None


def _has_kv(app: App) -> bool:
    return app.has_kv


def _has_postgres(app: App) -> bool:
    return app.postgres_migrations is not None


_HAVING = {"d1": _has_d1, "kv": _has_kv, "postgres": _has_postgres}

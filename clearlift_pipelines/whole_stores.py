"""Which settings need each other: a store is configured whole or not at all, and each has a place of its own.

What does not belong here: what one setting may be (settings.py), which places are the same (places.py).
"""

import shlex
from typing import TYPE_CHECKING

from assets.apps import APPS
from assets.other_engine import by_name
from clearlift_pipelines import places, store_places
from clearlift_pipelines.variables import PREFIX, variable_of
from resources.ad_platforms import PLATFORMS
from resources.cloudflare import API
from resources.r2.sql import NAME

if TYPE_CHECKING:
    from clearlift_pipelines.settings import Settings


def check(settings: "Settings") -> None:
    """Raise a ValueError that names the variable which is missing, too much, or leads to a place twice."""
    # Cloudflare's local runtime, at an address of its own, knows no accounts.
    account = ("cloudflare_account_id",) if settings.cloudflare_api_url == API else ()
    cloudflare = (*account, "cloudflare_api_token")
    _of_known_apps(settings)
    _one_key_set(settings)
    for store in ("d1", "kv"):
        if getattr(settings, store):
            _require(settings, f"{PREFIX}{store.upper()}__…", *cloudflare)
    if settings.cloudflare_api_token and not settings.d1 and not settings.kv:
        raise ValueError(_missing("d1__…", variable_of("cloudflare_api_token"), f"or {variable_of('kv__…')}"))
    needing_account = (settings.cloudflare_api_token, settings.r2_bucket, settings.r2_sql_token)
    if settings.cloudflare_account_id and not any(needing_account):
        token, bucket = "cloudflare_api_token", variable_of("r2_bucket")
        raise ValueError(_missing(token, variable_of("cloudflare_account_id"), f"or {bucket}"))
    for name, app in settings.ad_apps.items():
        for part in PLATFORMS[name].credentials:
            if app and part not in app:
                family = f"ad_apps__{name}__"
                raise ValueError(_missing(family + part, variable_of(family + next(iter(app)))))
    r2 = ("r2_bucket", "r2_access_key_id", "r2_secret_access_key")
    _all_or_none(settings, *r2)
    if settings.r2_bucket and not settings.r2_endpoint and not settings.cloudflare_account_id:
        raise ValueError(_missing("r2_endpoint", f"{PREFIX}R2_BUCKET", f"or {variable_of('cloudflare_account_id')}"))
    _backups(settings)
    _lake(settings)
    _streams(settings)
    _one_launch(settings)
    _one_place_each(settings)
    _all_real_in_production(settings)


def _lake(settings: "Settings") -> None:
    """A catalog, and what only Cloudflare's can do."""
    _all_or_none(settings, "lake_catalog_uri", "lake_warehouse", "lake_token")
    if any(settings.catalog_compaction.values()):
        # Our own catalog, in Postgres, merges nothing.
        _require(settings, f"{PREFIX}CATALOG_COMPACTION__…", "lake_catalog_uri")
    if settings.r2_sql_token or settings.r2_sql_url:
        because = variable_of("r2_sql_token" if settings.r2_sql_token else "r2_sql_url")
        # It reads the tables of R2 Data Catalog, and no others.
        _require(settings, because, "r2_sql_token", "r2_bucket", "lake_catalog_uri", "cloudflare_account_id")


def _streams(settings: "Settings") -> None:
    """Each stream is a table of its own."""
    for name, table in settings.event_streams.items():
        app = next(app for app in APPS if app.name == name)
        own = {entry.name for entry in app.lifecycles if entry.store == "lake"}
        if not NAME.match(table) or "." not in table or app.audience is None or table in own:
            variable = variable_of("event_streams", name)
            raise ValueError(f"{variable}: write NAMESPACE.TABLE of another table than the app's own")


def _one_launch(settings: "Settings") -> None:
    """One way to start the other engine, which can be started as far as that can be seen here."""
    if settings.pipes_command and settings.pipes_launcher:
        raise ValueError(f"{variable_of('pipes_command')} and {variable_of('pipes_launcher')} are set; keep one")
    try:
        if settings.pipes_command:
            shlex.split(settings.pipes_command)
        if settings.pipes_launcher:
            by_name(settings.pipes_launcher)
    except ValueError as error:
        field = "pipes_command" if settings.pipes_command else "pipes_launcher"
        raise ValueError(f"{variable_of(field)}: {error}") from None


def _all_real_in_production(settings: "Settings") -> None:
    """There is no embedded store, and there are keys that somebody keeps."""
    if not settings.production:
        return
    missing = [f"{place.name} ({place.variable})" for place in store_places.of(settings) if not place.is_real]
    if settings.keyring is None and settings.keyring_file is None and settings.keyring_command is None:
        missing.append(f"key set ({variable_of('keyring_file')})")
    if missing:
        raise ValueError(f"{variable_of('production')} is true, and embedded here or missing: {', '.join(missing)}")


def _one_place_each(settings: "Settings") -> None:
    """Each app has a D1, a KV namespace and a Postgres database of its own; ours is another one.

    A server, the bucket and the lake may be shared, and the run history may lie in our own database.
    """
    own = [(variable_of("postgres", app), dsn) for app, dsn in settings.postgres.items()]
    ours = [
        (variable_of(field), dsn)
        for field in ("postgres_dsn", "dagster_postgres_url")
        if (dsn := getattr(settings, field)) is not None
    ]
    families: list[list[tuple[str, tuple[str, ...]]]] = [
        *([(name, places.database(dsn.get_secret_value())) for name, dsn in (one, *own)] for one in ours),
        [(name, places.database(dsn.get_secret_value())) for name, dsn in own],
        *(places.identifiers(variable_of(field), getattr(settings, field)) for field in ("d1", "kv")),
    ]
    for family in families:
        if found := places.shared(family):
            raise ValueError(f"{' and '.join(found)} lead to one place; each needs its own")


def _backups(settings: "Settings") -> None:
    """A bucket of its own credentials, or one that those of R2 open."""
    own = ("backup_endpoint", "backup_access_key_id", "backup_secret_access_key")
    if any(getattr(settings, name) is not None for name in own):
        _all_or_none(settings, *own, "backup_bucket")
    elif settings.backup_bucket and not settings.r2_bucket:
        raise ValueError(_missing("backup_endpoint", variable_of("backup_bucket"), f"or {variable_of('r2_bucket')}"))


def _one_key_set(settings: "Settings") -> None:
    given = [name for name in ("keyring", "keyring_file", "keyring_command") if getattr(settings, name) is not None]
    if len(given) > 1:
        raise ValueError(f"{' and '.join(map(variable_of, given))} are set; keep the one that holds the key set")


def _of_known_apps(settings: "Settings") -> None:
    having = {
        "d1": {app.name for app in APPS if app.d1_migrations},
        "kv": {app.name for app in APPS if app.has_kv},
        "postgres": {app.name for app in APPS if app.postgres_migrations},
        "event_streams": {app.name for app in APPS if app.audience},
        "catalog_compaction": {app.name for app in APPS if app.audience},
        "sealed": {app.name for app in APPS if any(holding.sealed for holding in app.personal)},
    }
    for store, names in having.items():
        for name in getattr(settings, store).keys() - names:
            variable = f"{PREFIX}{store.upper()}__{name.upper()}"
            having_one = ", ".join(sorted(names)) or "none"
            what = {"sealed": "sealed columns", "catalog_compaction": "a lake", "event_streams": "a lake"}.get(
                store, "such a store"
            )
            raise ValueError(f"{variable} names no app that has {what}; there are {having_one}")


def _all_or_none(settings: "Settings", *names: str) -> None:
    given = [name for name in names if getattr(settings, name) is not None]
    if given:
        _require(settings, variable_of(given[0]), *names)


def _require(settings: "Settings", because: str, *names: str) -> None:
    for name in names:
        if getattr(settings, name) is None:
            raise ValueError(_missing(name, because))


def _missing(field: str, because: str, alternative: str = "") -> str:
    return " ".join(part for part in (variable_of(field), alternative, f"is missing ({because} is set)") if part)

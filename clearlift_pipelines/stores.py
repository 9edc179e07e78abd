"""The stores of one set of settings, each opened on first use: embedded, or the real one where it is configured."""

from collections.abc import Iterator
from functools import cached_property, partial
from pathlib import Path
from urllib.parse import urlencode

from pyiceberg.catalog import Catalog

from assets.apps import APPS, App
from assets.events.table import EVENTS
from clearlift_pipelines.settings import Settings
from resources import migrations
from resources.cloudflare import api_session
from resources.d1 import D1, CloudflareD1, EmbeddedD1
from resources.http import Session
from resources.kv import KV, CloudflareKV, EmbeddedKV
from resources.lake import Lake
from resources.lake.lake import rest_catalog, sql_catalog
from resources.postgres import Postgres
from resources.postgres.shared import SharedServer
from resources.r2 import ObjectStore

LAKE_LOCK = "clearlift.lake.commit"


class Stores:
    """Every store by its role. Making one opens nothing; `close()` ends what was opened."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._d1: dict[str, D1] = {}
        self._kv: dict[str, KV] = {}
        self._server = SharedServer(settings.home / "postgres")

    @cached_property
    def postgres(self) -> Postgres:
        """Ad, growth and roll-up data, ledgers and locks."""
        dsn = self.settings.postgres_dsn
        return Postgres(dsn.get_secret_value() if dsn else self._server.dsn)

    @cached_property
    def object_store(self) -> ObjectStore:
        """R2: landing zone, quarantine, lake files, archives."""
        s = self.settings
        if not s.r2_bucket or not s.r2_access_key_id or not s.r2_secret_access_key:
            return ObjectStore.folder(s.home / "r2")
        endpoint = s.r2_endpoint or f"https://{s.cloudflare_account_id}.r2.cloudflarestorage.com"
        return ObjectStore.bucket(endpoint, s.r2_bucket, s.r2_access_key_id, s.r2_secret_access_key.get_secret_value())

    @cached_property
    def lake(self) -> Lake:
        """Iceberg tables: in R2 Data Catalog where it is configured, else in a catalog of ours in Postgres."""
        lock = partial(self.postgres.lock, LAKE_LOCK)
        options = self.object_store.polars_options()
        if self.settings.lake_catalog_uri:
            return Lake(self._rest_catalog, lock, None, options)
        return Lake(self._sql_catalog, lock, _url(self.object_store.uri()), options)

    def d1(self, app: App) -> D1:
        """An application's own database."""
        if app.name not in self._d1:
            database = self.settings.d1.get(app.name)
            if database is None:
                self._d1[app.name] = EmbeddedD1(self.settings.home / "d1" / f"{app.name}.sqlite")
            else:
                self._d1[app.name] = CloudflareD1(self._cloudflare, self._account, database, api=self._api)
        return self._d1[app.name]

    def kv(self, app: App) -> KV:
        """An application's KV namespace."""
        if app.name not in self._kv:
            namespace = self.settings.kv.get(app.name)
            if namespace is None:
                self._kv[app.name] = EmbeddedKV(self.settings.home / "kv" / f"{app.name}.sqlite")
            else:
                self._kv[app.name] = CloudflareKV(self._cloudflare, self._account, namespace, api=self._api)
        return self._kv[app.name]

    def ledgers(self) -> Iterator[tuple[str, migrations.Ledger, str]]:
        """Every store that has migrations: its name on the command line, its ledger, its folder under sql/."""
        for app in APPS:
            if app.d1_migrations is not None:
                yield f"{app.name}-d1", migrations.D1Ledger(self.d1(app), f"{app.name}-d1"), app.d1_migrations
        yield "postgres", migrations.PostgresLedger(self.postgres), "clearlift/postgres"

    def migrate(self) -> list[str]:
        """Bring every store to the newest migration and make the lake's tables; returns what was applied."""
        applied = [
            f"{name} {migration}"
            for name, ledger, folder in self.ledgers()
            for migration in migrations.up(ledger, folder)
        ]
        if not self.lake.exists(EVENTS):
            self.lake.ensure(EVENTS)
            applied.append(f"lake {'.'.join(EVENTS.identifier)}")
        return applied

    def close(self) -> None:
        """Close what was opened. The embedded Postgres ends with the last process that uses it."""
        embedded = [s for s in (*self._d1.values(), *self._kv.values()) if isinstance(s, EmbeddedD1 | EmbeddedKV)]
        for store in embedded:
            store.close()
        if "postgres" in self.__dict__:
            self.postgres.close()
        self._server.release()

    @cached_property
    def _cloudflare(self) -> Session:
        token = self.settings.cloudflare_api_token
        assert token is not None  # settings admit no D1 or KV without it
        return api_session(token.get_secret_value())

    @property
    def _account(self) -> str:
        return self.settings.cloudflare_account_id or ""

    @property
    def _api(self) -> str:
        return self.settings.cloudflare_api_url

    def _rest_catalog(self) -> Catalog:
        s = self.settings
        # Settings admit a catalog only with all three.
        token = s.lake_token.get_secret_value() if s.lake_token else ""
        return rest_catalog(s.lake_catalog_uri or "", s.lake_warehouse or "", token)

    def _sql_catalog(self) -> Catalog:
        self.postgres.execute("create schema if not exists lake")
        dsn = self.postgres.dsn
        options = urlencode({"options": "-csearch_path=lake"})
        properties = self.object_store.iceberg_properties()
        return sql_catalog(
            f"{dsn}{'&' if '?' in dsn else '?'}{options}", _url(self.object_store.uri("lake")), properties
        )


def _url(uri: str) -> str:
    return uri if "://" in uri else Path(uri).as_uri()

"""The stores of one set of settings, each opened on first use: embedded, or the real one where it is configured.

The lake is also imported on first use, because pyiceberg and pyarrow take a second and most commands need neither.
"""

import secrets
import shlex
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from assets import requests_sent
from assets.apps import APPS, App
from assets.apps.pipelines import FORMER_NAMES, MIGRATIONS
from assets.changes.d1 import install as install_in_d1
from assets.changes.postgres import install as install_in_postgres
from assets.other_engine import OtherEngine, by_command, by_name
from assets.privacy import requests_table
from assets.progress import Progress, silent
from assets.rooms import Clock, EmbeddedServer
from clearlift_pipelines import buckets, lakes
from clearlift_pipelines.settings import Settings, SettingsError
from clearlift_pipelines.variables import variable_of
from resources import keyring, migrations
from resources.cloudflare import API, api_session
from resources.d1 import D1, CloudflareD1, EmbeddedD1
from resources.declined import DeclinedError
from resources.http import Session
from resources.kv import KV, CloudflareKV, EmbeddedKV
from resources.meter import METER
from resources.postgres import Postgres
from resources.postgres.shared import SharedServer
from resources.r2 import ObjectStore, R2Sql
from resources.r2.sql import API as R2_SQL_API

if TYPE_CHECKING:
    from resources.lake import Lake, StreamTable


class KeySetMissingError(DeclinedError):
    """The key set that sealed what is there is not here. None was made, because a new one would open nothing."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            reason,
            "`clearlift keys open ENVELOPE FILE` brings it back; CLEARLIFT_KEYRING_FILE names FILE where it is not "
            "keyring.json of the home folder. Only where it is lost for good: `clearlift keys new`, and another "
            "CLEARLIFT_BACKUP_PREFIX",
        )


def utc_now() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


class Stores:
    """Every store by its role: the `Rooms` that engines are handed. Making one opens nothing.

    A with-block, or `close()`, ends what was opened. `clock` gives now in UTC. `progress` makes, of a label, what takes
    the progress of a job. Without `makes_keys` no key set is written, for commands that only look: where there is none,
    nothing was sealed either, so that any keys do.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock = utc_now,
        progress: Callable[[str], Progress] = lambda _: silent,
        makes_keys: bool = True,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.progress = progress
        self._makes_keys = makes_keys
        self._app_postgres: dict[str, Postgres] = {}
        self._d1: dict[str, D1] = {}
        self._kv: dict[str, KV] = {}
        self._server = SharedServer(settings.home / "postgres", settings.made_home)
        self.ad_origin = settings.ad_origin or ""
        """In front of the ad platforms' hosts; a command that starts a sandbox puts it here."""

    @cached_property
    def postgres(self) -> Postgres:
        """Ad, growth and roll-up data, ledgers and locks, as the role that is set."""
        role = self.settings.postgres_role
        return self._postgres_as(role) if role else self.postgres_of_login

    @cached_property
    def postgres_of_login(self) -> Postgres:
        """The same database as the login itself, which makes and owns what the role works with."""
        return self._postgres_as(None)

    @property
    def embedded_postgres(self) -> EmbeddedServer | None:
        """The embedded server, where no other one is configured."""
        if self.settings.postgres_dsn is not None:
            return None
        having = [app for app in APPS if app.postgres_migrations is not None and app.name not in self.settings.postgres]
        return EmbeddedServer(self.settings.home / "postgres", {app.name: _database(app) for app in having})

    def app_postgres(self, app: App) -> Postgres:
        """An app's own database: the configured one, else one beside ours on the embedded server."""
        if app.name not in self._app_postgres:
            dsn = self.settings.postgres.get(app.name)
            self._app_postgres[app.name] = (
                Postgres(dsn.get_secret_value(), setting=variable_of("postgres", app.name))
                if dsn is not None
                else Postgres(partial(self._server.database, _database(app)))
            )
        return self._app_postgres[app.name]

    @cached_property
    def object_store(self) -> ObjectStore:
        """R2: landing zone, quarantine, lake files, archives."""
        return buckets.of_r2(self.settings)

    def bucket(self, name: str) -> ObjectStore | None:
        """A bucket that the credentials of R2 open, such as one with copies; None where R2 is embedded."""
        return buckets.opened(self.settings, name)

    @cached_property
    def backup_store(self) -> ObjectStore:
        """Where backups lie: the bucket that is set for them, else R2 itself."""
        return buckets.of_backups(self.settings) or self.object_store

    @property
    def backup_prefix(self) -> str:
        """The prefix of the backups there."""
        return self.settings.backup_prefix

    @property
    def scratch(self) -> Path:
        """A folder of the home."""
        return self.settings.made_home() / "scratch"

    @property
    def copies(self) -> Path:
        """A folder of the home."""
        return self.settings.made_home() / "copies"

    @cached_property
    def lake(self) -> "Lake":
        """Iceberg tables: in R2 Data Catalog where it is configured, else in a catalog of ours in Postgres."""
        return lakes.opened(self.settings, self.postgres, self.object_store)

    def event_stream(self, app: App) -> "StreamTable | None":
        """A table of the lake that another program appends an app's events to, where it is set."""
        from resources.lake import StreamTable

        name = self.settings.event_streams.get(app.name)
        return StreamTable(name, lambda name: self.lake.catalog.load_table(name)) if name else None

    @property
    def r2_sql(self) -> R2Sql | None:
        """R2 SQL over the lake's bucket, where audits are left to it."""
        return self._r2_sql if self.settings.r2_sql_audits else None

    @property
    def r2_sql_counts(self) -> R2Sql | None:
        """The same, where the counts of backfills are left to it."""
        return self._r2_sql if self.settings.r2_sql_counts else None

    @cached_property
    def _r2_sql(self) -> R2Sql | None:
        s = self.settings
        if s.r2_sql_token is None or s.r2_bucket is None:
            return None
        setting = s.as_given(variable_of("r2_sql_url")) if s.r2_sql_url else None
        session = api_session(s.r2_sql_token.get_secret_value(), setting=setting)
        return R2Sql(session, self._account, s.r2_bucket, api=s.r2_sql_url or R2_SQL_API)

    @cached_property
    def other_engine(self) -> OtherEngine | None:
        """What heavy days of the lake are handed to, where it is configured."""
        s = self.settings
        if not s.pipes_command and not s.pipes_launcher:
            return None
        launch = by_command(shlex.split(s.pipes_command)) if s.pipes_command else by_name(s.pipes_launcher or "")
        return OtherEngine(launch, s.pipes_from_mib * 2**20)

    @cached_property
    def keyring(self) -> keyring.Keyring:
        """The keys that seal credentials; made in the home folder where the stores are embedded and none is given."""
        s = self.settings
        if s.keyring is not None:
            return keyring.parse(s.keyring.get_secret_value())
        if s.keyring_file is not None:
            return keyring.load(s.keyring_file)
        if s.keyring_command is not None:
            return _key_set_of(s.keyring_command.get_secret_value())
        if s.d1:
            raise SettingsError(
                "CLEARLIFT_KEYRING, CLEARLIFT_KEYRING_FILE or CLEARLIFT_KEYRING_COMMAND is missing"
                " (CLEARLIFT_D1__… is set)"
            )
        file = s.home / "keyring.json"
        if not file.exists():
            self.check_new_keys()
            if not self._makes_keys:
                return keyring.Keyring({1: secrets.token_bytes(keyring.KEY_BYTES)})
        return keyring.load_or_make(s.made_home() / file.name)

    def is_sealed(self, app: App) -> bool:
        """Whether the app's personal columns are sealed. Of a real database only if a setting says so, because a Worker
        may read them in clear.
        """
        embedded = not {f"{app.name}-d1", f"{app.name}-postgres"} & self.real
        return self.settings.sealed.get(app.name, embedded)

    def check_new_keys(self) -> None:
        """See that a new key set would not stand in the place of one that is lost.

        Raises:
            KeySetMissingError: backups are there, and a new key set opens none of them.
        """
        if next(iter(self.backup_store.list_prefixes(self.backup_prefix)), None) is not None:
            raise KeySetMissingError(
                f"there is no key set, and {self.backup_store.uri(self.backup_prefix)} has backups"
            )

    @property
    def ad_apps(self) -> dict[str, dict[str, str]]:
        """Ids and secrets of our applications at the ad platforms, by platform."""
        given = self.settings.ad_apps
        return {name: {k: v.get_secret_value() for k, v in app.items()} for name, app in given.items()}

    def d1(self, app: App) -> D1:
        """An application's own database."""
        if app.name not in self._d1:
            database = self.settings.d1.get(app.name)
            if database is None:
                self._d1[app.name] = EmbeddedD1(self.settings.made_home() / "d1" / f"{app.name}.sqlite")
            else:
                count = METER.of(f"{app.name}-d1")
                self._d1[app.name] = CloudflareD1(self._cloudflare, self._account, database, api=self._api, count=count)
        return self._d1[app.name]

    def kv(self, app: App) -> KV:
        """An application's KV namespace."""
        if app.name not in self._kv:
            namespace, count = self.settings.kv.get(app.name), METER.of(f"{app.name}-kv")
            if namespace is None:
                file = self.settings.made_home() / "kv" / f"{app.name}.sqlite"
                self._kv[app.name] = EmbeddedKV(file, clock=lambda: self.clock().timestamp(), count=count)
            else:
                self._kv[app.name] = CloudflareKV(
                    self._cloudflare, self._account, namespace, api=self._api, count=count
                )
        return self._kv[app.name]

    def migrated(self) -> Iterator[tuple[str, migrations.AppliedMigrations, str]]:
        """Every store with migrations: its name on the command line, what was applied, its folder under sql/.

        A Postgres database with the migrations of another folder is refused: it is another store's.
        """
        for app in APPS:
            if app.d1_migrations is not None:
                yield (
                    f"{app.name}-d1",
                    migrations.D1AppliedMigrations(self.d1(app), f"{app.name}-d1"),
                    app.d1_migrations,
                )
            if app.postgres_migrations is not None:
                applied = migrations.PostgresAppliedMigrations(self.app_postgres(app), alone=True)
                yield f"{app.name}-postgres", applied, app.postgres_migrations
        ours = migrations.PostgresAppliedMigrations(self.postgres_of_login, FORMER_NAMES, alone=True)
        yield "postgres", ours, MIGRATIONS

    def prepare(self) -> None:
        """Before a command's own work: embedded stores are brought to date, real ones must be.

        Raises:
            MigrationError: a real store is not. A person decides when it changes: by `clearlift migrate up` or `init`.
        """
        for name, applied, folder in self.migrated():
            if name in self.real:
                migrations.require(applied, folder)
            else:
                migrations.up(applied, folder)
        self.make_the_rest(left_alone={*self.real, *(f"{app.name}-lake" for app in APPS)})
        from resources.lake import LayoutError

        for app in APPS:
            if app.audience is not None and f"{app.name}-lake" not in self.real:
                # What works with the lake says it. All else goes on.
                with suppress(LayoutError):
                    self._make_lake(app)

    @cached_property
    def real(self) -> frozenset[str]:
        """The stores that are not embedded, by their names; a lake is where its catalog and its files are."""
        s = self.settings
        ours = {"postgres"} if s.postgres_dsn else set()
        lakes = (f"{app.name}-lake" for app in APPS if s.lake_catalog_uri or s.r2_bucket or s.postgres_dsn)
        return frozenset({*(f"{app}-d1" for app in s.d1), *(f"{app}-postgres" for app in s.postgres), *ours, *lakes})

    def migrate(self) -> list[str]:
        """Bring every store to the newest migration, and make what migrations do not; returns what was done.

        Repeating it, also at once or after a kill, changes nothing more.
        """
        done = [
            f"{name}: {migration}"
            for name, applied, folder in self.migrated()
            for migration in migrations.up(applied, folder)
        ]
        return done + self.make_the_rest()

    def make_the_rest(self, left_alone: Collection[str] = ()) -> list[str]:
        """Make what an app's data asks for beside its migrations: triggers of change logs, tables of the lake.

        left_alone: stores that are not touched, by their names.
        """
        made = []
        for app in APPS:
            if app.d1_migrations is not None and f"{app.name}-d1" not in left_alone:
                made += [f"{app.name}-d1: trigger {name}" for name in install_in_d1(self.d1(app), app)]
                made += [f"{app.name}-d1: table {name}" for name in requests_table.install(self.d1(app))]
            if app.postgres_migrations is not None and f"{app.name}-postgres" not in left_alone:
                triggers = install_in_postgres(self.app_postgres(app), app)
                made += [f"{app.name}-postgres: trigger of {name}" for name in triggers]
            if app.audience is not None and f"{app.name}-lake" not in left_alone:
                made += self._make_lake(app)
        return made

    def _make_lake(self, app: App) -> list[str]:
        from assets.lake_tables import lake_tables

        made = []
        for table in lake_tables(app):
            if not self.lake.exists(table.spec):
                self.lake.ensure(table.spec)
                made.append(table.title)
            made += [f"column {column} of {table.title}" for column in self.lake.complete(table.spec)]
            restored = self.lake.restore_properties(table.spec)
            made += [f"setting {setting} of {table.title}" for setting in restored]
        return [f"{app.name}-lake: {what}" for what in made]

    def note_requests(self) -> None:
        """Add the requests that this process sent to those of all, where our Postgres is open."""
        requests_sent.write(self.postgres, self.clock())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close what was opened. The embedded Postgres ends with the last process that uses it."""
        embedded = [s for s in (*self._d1.values(), *self._kv.values()) if isinstance(s, EmbeddedD1 | EmbeddedKV)]
        for store in embedded:
            store.close()
        if "lake" in self.__dict__ and "catalog" in self.lake.__dict__:
            self.lake.catalog.close()
        for database in self._app_postgres.values():
            database.close()
        for name in {"postgres", "postgres_of_login"} & self.__dict__.keys():
            self.__dict__[name].close()
        self._server.release()

    def _postgres_as(self, role: str | None) -> Postgres:
        dsn = self.settings.postgres_dsn
        if dsn is None:
            return Postgres(self._server.dsn, role)
        return Postgres(dsn.get_secret_value(), role, setting=variable_of("postgres_dsn"))

    @cached_property
    def _cloudflare(self) -> Session:
        token = self.settings.cloudflare_api_token
        assert token is not None  # settings admit no D1 or KV without it
        setting = variable_of("cloudflare_api_url") if self._api != API else None
        return api_session(token.get_secret_value(), setting=setting)

    @property
    def _account(self) -> str:
        return self.settings.cloudflare_account_id or ""

    @property
    def _api(self) -> str:
        return self.settings.cloudflare_api_url


def _key_set_of(command: str) -> keyring.Keyring:
    try:
        return keyring.of_command(command)
    except keyring.KeySetError as error:
        raise SettingsError(f"{variable_of('keyring_command')}: {error}") from None


def _database(app: App) -> str:
    return f"app_{app.name}"

"""The Protocol of the stores that engines are handed. Who opens them, and from which settings, is not known here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from assets.apps import App
from assets.progress import Progress
from resources.d1 import D1
from resources.keyring import Keyring
from resources.kv import KV
from resources.postgres import Postgres
from resources.r2 import ObjectStore, R2Sql

if TYPE_CHECKING:
    from assets.other_engine import OtherEngine
    from resources.lake import Lake, StreamTable

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class EmbeddedServer:
    """The Postgres server that we start ourselves. databases: of the apps whose database is on it, by their names."""

    folder: Path
    databases: Mapping[str, str]


class Rooms(Protocol):
    """Every store by its role, the clock, and what takes the progress of jobs. A store opens at its first use."""

    @property
    def clock(self) -> Clock:
        """Now, in UTC."""

    def progress(self, label: str) -> Progress:
        """What takes the progress of one job, by a label for people."""

    @property
    def postgres(self) -> Postgres:
        """Our own Postgres: ad data, roll-ups, ledgers and locks of all apps."""

    @property
    def postgres_of_login(self) -> Postgres:
        """The same database as the login that made it and owns it, which no row-level security holds back."""

    @property
    def embedded_postgres(self) -> EmbeddedServer | None:
        """Our server, whose files we own; None where Postgres is a configured one."""

    def app_postgres(self, app: App) -> Postgres:
        """The Postgres database of an app that has one."""

    def d1(self, app: App) -> D1:
        """The D1 database of an app that has one."""

    def kv(self, app: App) -> KV:
        """The KV namespace of an app that has one."""

    @property
    def object_store(self) -> ObjectStore:
        """R2: landing zones, quarantine, lake files, archives, media."""

    @property
    def backup_store(self) -> ObjectStore:
        """Where backups lie: R2 itself, or a bucket of their own."""

    @property
    def backup_prefix(self) -> str:
        """Their prefix there, without a final slash."""

    @property
    def scratch(self) -> Path:
        """A folder of this machine, for its owner alone, for files that only one process needs."""

    @property
    def copies(self) -> Path:
        """A folder of this machine for what is kept of other stores to ask them less; it may be deleted at any time."""

    @property
    def lake(self) -> "Lake":
        """Iceberg tables."""

    def event_stream(self, app: App) -> "StreamTable | None":
        """A table of the lake that another program appends an app's events to, where there is one."""

    @property
    def r2_sql(self) -> R2Sql | None:
        """A second way to read the lake, where it is configured."""

    @property
    def other_engine(self) -> "OtherEngine | None":
        """What heavy days of the lake are handed to, where it is configured."""

    @property
    def keyring(self) -> Keyring:
        """The keys that seal credentials."""

    @property
    def ad_apps(self) -> Mapping[str, Mapping[str, str]]:
        """Our registered applications at the ad platforms, by platform."""

    @property
    def ad_origin(self) -> str:
        """Put in front of the ad platforms' hosts: a sandbox or a proxy; empty for none."""

"""Platform connections as D1 has them: which are due, their settings and credentials, and what became of a sync.

Credentials are sealed by the keyring, bound to their row. Where the application has left them in clear, they are used
once and sealed. What does not belong here: what is synced (plan.py, sync.py).
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from assets.ads.config import ConnectionSettingsError, SyncConfig, sync_config
from resources.d1 import D1
from resources.keyring import Keyring
from resources.sql_files import read_sql

TABLE = "platform_connections"
COLUMN = "settings_encrypted"
PAGE = 500
SECRET = frozenset({"oauth", "app"})


@dataclass(frozen=True)
class Connection:
    """A row of platform_connections, and the tier of its organisation."""

    id: str
    org_id: str
    platform: str
    account_id: str
    tier: str
    settings: str | None = field(repr=False)
    sealed: str | None = field(repr=False)


@dataclass(frozen=True)
class Opened:
    """A connection's settings in clear: tokens, the application where it is the connection's own, what to sync."""

    document: Mapping[str, Any] = field(repr=False)
    sync: SyncConfig

    @property
    def oauth(self) -> Mapping[str, Any]:
        found = self.document["oauth"]
        assert isinstance(found, dict)  # `opened` has seen to it
        return found

    @property
    def app(self) -> Mapping[str, str]:
        return {str(k): str(v) for k, v in (self.document.get("app") or {}).items()}


def active(
    d1: D1, platform: str, *, connection: str | None = None, tiers: Collection[str] = ()
) -> Iterator[list[Connection]]:
    """Pages of a platform's active connections: of these tiers (none named: of all), or one by its id."""
    for rows in d1.stream(read_sql("ads/connections.sql"), "id", page=PAGE, params=[platform, connection]):
        found = [
            Connection(
                row["id"],
                row["organization_id"],
                row["platform"],
                row["account_id"],
                row["tier"],
                row["settings"],
                row["settings_encrypted"],
            )
            for row in rows
        ]
        yield [c for c in found if not tiers or c.tier in tiers]


def opened(connection: Connection, keyring: Keyring) -> Opened:
    """The settings of a connection; raises ConnectionSettingsError or the keyring's SealError."""
    plain = _object(connection.settings, "settings")
    if connection.sealed:
        text = keyring.open_text(connection.sealed, table=TABLE, column=COLUMN, row=connection.id)
        secret = _object(text, COLUMN)
    else:
        secret = {name: value for name, value in plain.items() if name in SECRET}
    oauth = secret.get("oauth")
    if not isinstance(oauth, dict) or not oauth:
        raise ConnectionSettingsError("the connection has no credentials")
    if not isinstance(secret.get("app") or {}, dict):
        raise ConnectionSettingsError("app: not an object")
    return Opened(secret, sync_config({**secret, **plain}))


def is_sealed(connection: Connection) -> bool:
    """Whether the connection's credentials are nowhere in clear."""
    return bool(connection.sealed) and not SECRET & _object(connection.settings, "settings").keys()


def keep(d1: D1, keyring: Keyring, connection: Connection, settings: Opened, oauth: Mapping[str, Any]) -> None:
    """Store tokens, sealed, and take whatever is secret out of the clear settings."""
    document = {**settings.document, "oauth": dict(oauth)}
    sealed = keyring.seal_text(json.dumps(document), table=TABLE, column=COLUMN, row=connection.id)
    # Only what is secret is taken out of `settings`: the application may have changed the rest since it was read.
    d1.execute(
        "update platform_connections set settings_encrypted = ?,"
        " settings = json_remove(coalesce(settings, '{}'), '$.oauth', '$.app') where id = ?",
        [sealed, connection.id],
        idempotent=True,
    )


def report(
    d1: D1, connection: Connection, status: str, *, error: str | None = None, at: datetime | None = None
) -> None:
    """Write what became of a sync where the application reads it; `at`: when it succeeded."""
    synced = None if at is None else at.strftime("%Y-%m-%dT%H:%M:%SZ")
    d1.execute(
        "update platform_connections set sync_status = ?, sync_error = ?, last_synced_at = coalesce(?, last_synced_at)"
        " where id = ?",
        [status, error, synced, connection.id],
        idempotent=True,
    )


def _object(text: str | None, name: str) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ConnectionSettingsError(f"{name}: not a JSON object")
    return found

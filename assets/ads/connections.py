"""The connections of an app in its D1: which are active, their settings and credentials, and how their last sync went.

Credentials are sealed by the keyring and bound to their row. Where the application left them in clear, the first sync
seals them. What does not belong here: what is synced (plan.py, sync.py).
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from assets.ads.config import ConnectionSettingsError, SyncConfig, sync_config
from assets.apps import AdAccounts
from resources.d1 import D1
from resources.declined import DeclinedError
from resources.keyring import Keyring
from resources.sql_files import read_sql

COLUMN = "settings_encrypted"
PAGE = 500
NAMED = 5  # connections of an answer
SECRET = frozenset({"oauth", "app"})
PAYING, FREE = ("pro", "enterprise"), ("free",)
TIERS = (*FREE, *PAYING)


@dataclass(frozen=True)
class AdConnection:
    """An ad account that an organisation connected, and the organisation's tier.

    settings: JSON in clear. sealed: the JSON with the credentials, sealed; None where they were left in clear.
    """

    id: str
    org_id: str
    platform: str
    account_id: str
    tier: str
    settings: str | None = field(repr=False)
    sealed: str | None = field(repr=False)


@dataclass(frozen=True)
class NamedConnection:
    """Which account of which platform an organisation names, by the connection's id."""

    id: str
    org_id: str
    platform: str
    account_id: str
    is_active: bool


@dataclass(frozen=True)
class ConnectionSettings:
    """The settings of a connection in clear: its tokens, its own registered application if it has one, what to sync."""

    document: Mapping[str, Any] = field(repr=False)
    sync: SyncConfig

    @property
    def oauth(self) -> Mapping[str, Any]:
        """The tokens."""
        tokens = self.document["oauth"]
        assert isinstance(tokens, dict)  # Connections.open has checked it
        return tokens

    @property
    def application(self) -> Mapping[str, str]:
        """Id and secret of the connection's own registered application; empty where it uses ours."""
        return {str(name): str(value) for name, value in (self.document.get("app") or {}).items()}


@dataclass(frozen=True)
class Connections:
    """The connections of one app: reads and writes of its D1."""

    accounts: AdAccounts
    d1: D1
    keyring: Keyring

    def active(
        self, platform: str, *, connection: str | None = None, tiers: Collection[str] = ()
    ) -> Iterator[list[AdConnection]]:
        """Pages of a platform's active connections: of these tiers (of all where none is named), or one by its id."""
        query = read_sql(self.accounts.connections)
        for rows in self.d1.stream(query, "id", page=PAGE, params=[platform, connection]):
            yield [AdConnection(**row) for row in rows if not tiers or row["tier"] in tiers]

    def named(self) -> list[NamedConnection]:
        """Every connection, active or not, without its settings."""
        rows = self.d1.stream(read_sql(self.accounts.named), "id", page=PAGE)
        return [NamedConnection(**{**row, "is_active": bool(row["is_active"])}) for page in rows for row in page]

    def require(self, connection: str, platforms: Collection[str]) -> None:
        """Refuse an id that no active connection of these platforms has; raises DeclinedError, which names some."""
        known = sorted(one.id for one in self.named() if one.is_active and one.platform in platforms)
        if connection in known:
            return
        of = f"{next(iter(platforms))} " if len(platforms) == 1 else ""
        near = get_close_matches(connection, known, NAMED) or known[:NAMED]
        more = " …" if len(known) > len(near) else ""
        raise DeclinedError(
            f"no active {of}connection has the id {connection!r}",
            f"name one of {', '.join(near)}{more}, or none for all"
            if known
            else f"connect an account of {', '.join(platforms)} in the application",
        )

    def open(self, connection: AdConnection) -> ConnectionSettings:
        """The settings of a connection in clear.

        Raises:
            ConnectionSettingsError: they cannot be used.
            SealError: the keyring cannot open them.
        """
        plain = _object(connection.settings, "settings")
        secret = {name: value for name, value in plain.items() if name in SECRET}
        if connection.sealed:
            sealed = _object(self.keyring.open_text(connection.sealed, **self._seal(connection)), COLUMN)
            # What the application left in clear is newer than what was sealed.
            secret = {**sealed, **secret}
        oauth = secret.get("oauth")
        if not isinstance(oauth, dict) or not oauth:
            raise ConnectionSettingsError(
                "the connection has no credentials", "connect the account again in the application"
            )
        if not isinstance(secret.get("app") or {}, dict):
            raise ConnectionSettingsError("app: not an object")
        return ConnectionSettings(secret, sync_config({**secret, **plain}))

    def keep(self, connection: AdConnection, settings: ConnectionSettings, oauth: Mapping[str, Any]) -> None:
        """Store tokens, sealed, and remove every secret from the clear settings."""
        document = {**settings.document, "oauth": dict(oauth)}
        sealed = self.keyring.seal_text(json.dumps(document), **self._seal(connection))
        # Only the secrets that were read are removed from `settings`: the application may have changed them, or the
        # rest, since.
        same = " and ".join(
            f"json_extract(settings, '$.{name}') is json_extract(?3, '$.{name}')" for name in sorted(SECRET)
        )
        self.d1.execute(
            f"update {self.accounts.table} set {COLUMN} = ?1, settings = case when {same}"
            " then json_remove(coalesce(settings, '{}'), '$.oauth', '$.app') else settings end where id = ?2",
            [sealed, connection.id, connection.settings],
            idempotent=True,
        )

    def report(
        self, connection: AdConnection, status: str, *, error: str | None = None, at: datetime | None = None
    ) -> None:
        """Write how a sync went where the application reads it. at: when it succeeded."""
        synced = None if at is None else at.strftime("%Y-%m-%dT%H:%M:%SZ")
        self.d1.execute(
            f"update {self.accounts.table} set sync_status = ?, sync_error = ?,"
            " last_synced_at = coalesce(?, last_synced_at) where id = ?",
            [status, error, synced, connection.id],
            idempotent=True,
        )

    def _seal(self, connection: AdConnection) -> dict[str, str]:
        return {"table": self.accounts.table, "column": COLUMN, "row": connection.id}


def any_active(accounts: AdAccounts, d1: D1) -> bool:
    """Whether any connection of an app is active."""
    return bool(d1.query(f"select 1 as one from {accounts.table} where is_active = 1 limit 1"))


def is_sealed(connection: AdConnection) -> bool:
    """Whether the connection's credentials are nowhere in clear."""
    return bool(connection.sealed) and not SECRET & _object(connection.settings, "settings").keys()


def _object(text: str | None, name: str) -> dict[str, Any]:
    try:
        document = json.loads(text or "{}")
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise ConnectionSettingsError(f"{name}: not a JSON object")
    return document

"""Checks of connections: those of a run were synced, their settings have an effect, and rows have a connection.

What belongs here: what a check says. What does not: checks of the numbers (assets.py).
"""

from collections.abc import Callable
from dataclasses import asdict
from textwrap import shorten

from dagster import AssetCheckResult, AssetChecksDefinition, AssetCheckSeverity, ResourceParam, asset_check

from assets.ads.connections import Connections
from assets.ads.disconnected import DisconnectedAccounts
from assets.ads.staging import Staging
from assets.ads.sync import SyncResult
from assets.apps import AdAccounts, App
from assets.declined import plainly_declined
from assets.description import table as table_of
from assets.rooms import Rooms
from resources.ad_platforms import PLATFORMS, Platform
from resources.counts import counted, listed

NAMED_FAILURES = 50
NAMED = 5  # in an answer
TOLD, LONGEST = 3, 300  # failures in a description, and the characters of each
CONNECTIONS_OK = "connections_ok"
SETTINGS_OK = "settings_have_effect"


def connections_ok(platform: Platform, results: list[SyncResult]) -> AssetCheckResult:
    failed = [result for result in results if result.error is not None]
    named = [
        {
            "connection": result.connection.id,
            "organisation": result.connection.org_id,
            "code": result.code or "",
            "why": result.error or "",
        }
        for result in failed[:NAMED_FAILURES]
    ]
    first = listed([f"{one.connection.id}: {_short(one)}" for one in failed], TOLD, "; ")
    return AssetCheckResult(
        check_name=CONNECTIONS_OK,
        passed=not failed,
        severity=AssetCheckSeverity.ERROR,
        description=(
            f"{len(failed)} of {counted(len(results), f'{platform.title} connection')} failed: {first}."
            f" Next: {next_steps(results)}"
            if failed
            else ""
        ),
        metadata={"failed": len(failed), "connections": len(results), "why": table_of(named)},
    )


def next_steps(results: list[SyncResult]) -> str:
    """What to do about the failures that a check names."""
    failures = [result.failure for result in results if result.failure is not None]
    return "; ".join(dict.fromkeys(failure.next_step for failure in failures[:TOLD]))


def _short(result: SyncResult) -> str:
    assert result.failure is not None  # only failed ones are named
    return shorten(result.failure.why, LONGEST, placeholder=" …")


def settings_have_effect(results: list[SyncResult]) -> AssetCheckResult:
    found = [(result.connection.id, line) for result in results for line in result.ineffective]
    return AssetCheckResult(
        check_name=SETTINGS_OK,
        passed=not found,
        # The rest of the settings holds, and an action may come yet.
        severity=AssetCheckSeverity.WARN,
        description=(
            f"{listed([f'{connection}: {line}' for connection, line in found], NAMED, '; ')}."
            " Next: correct `sync_config` of the connection (docs/ads.md)"
            if found
            else ""
        ),
        metadata={"settings": table_of([{"connection": one, "what": line} for one, line in found[:NAMED_FAILURES]])},
    )


def accounts_connected(app: App, accounts: AdAccounts) -> AssetChecksDefinition:
    def connected(rooms: Rooms, connections: Connections) -> AssetCheckResult:
        staging = Staging(rooms.object_store, accounts.raw)
        found = DisconnectedAccounts(app, connections, rooms.postgres, staging).find()
        return AssetCheckResult(
            passed=not found,
            # An organisation sees what is another's; else it may only have taken its connection away.
            severity=AssetCheckSeverity.ERROR if any(one.is_of_another for one in found) else AssetCheckSeverity.WARN,
            description=(
                f"no connection names {listed([str(one) for one in found], NAMED, '; ')}."
                " Next: correct the connection, or remove what is stored: `clearlift disconnected`"
                if found
                else ""
            ),
            metadata={"accounts": len(found), "rows": table_of([asdict(one) for one in found[:NAMED_FAILURES]])},
        )

    says = "Every account of which something is stored is named by a connection of its organisation."
    return _of_all_connections(app, accounts, "accounts_connected", says, connected)


def platforms_known(app: App, accounts: AdAccounts) -> AssetChecksDefinition:
    def known(_rooms: Rooms, connections: Connections) -> AssetCheckResult:
        found = [one for one in connections.named() if one.is_active and one.platform not in PLATFORMS]
        lines = listed([f"{one.id} ({one.platform[:64]})" for one in found], NAMED, "; ")
        return AssetCheckResult(
            passed=not found,
            severity=AssetCheckSeverity.WARN,
            description=(
                f"never synced, because their platform is none of {', '.join(PLATFORMS)}: {lines}."
                " Next: correct the platform in the application, or end the connection"
                if found
                else ""
            ),
            metadata={"connections": len(found)},
        )

    says = "Every active connection is of a platform that is synced."
    return _of_all_connections(app, accounts, "platforms_known", says, known)


def _of_all_connections(
    app: App,
    accounts: AdAccounts,
    name: str,
    says: str,
    judged: Callable[[Rooms, Connections], AssetCheckResult],
) -> AssetChecksDefinition:
    """A check of `campaigns` that reads every connection of the app; `says` is its description."""

    @asset_check(asset=[app.name, "ads", "campaigns"], name=name, description=says)
    @plainly_declined
    def check(rooms: ResourceParam[Rooms]) -> AssetCheckResult:
        return judged(rooms, Connections(accounts, rooms.d1(app), rooms.keyring))

    return check

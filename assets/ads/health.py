"""What of the connections is wrong: those whose sync failed, or that were not synced for longer than they may wait.

What does not belong here: syncing them (sync.py), and the numbers (audit.py).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from assets.ads.connection_assets import CONNECTIONS_OK
from assets.apps import AdAccounts, App
from assets.capability import Site
from assets.finding import Finding, HealthCheck, Severity
from assets.windows import DAY
from resources.ad_platforms import PLATFORMS
from resources.d1.times import moment


def checks(app: App, accounts: AdAccounts, site: Site) -> list[HealthCheck]:
    """The look at the connections of an app."""
    look = lambda now: _failed(app, accounts, site, now)  # noqa: E731
    return [HealthCheck(app.name, "connection", look, (f"{app.name}-d1 schema",), covers=(CONNECTIONS_OK,))]


def _failed(app: App, accounts: AdAccounts, site: Site, now: datetime) -> Iterator[Finding]:
    longest = timedelta(hours=site.thresholds.connection_hours)
    synced = (
        f"select id, platform, sync_status, sync_error, last_synced_at from {accounts.table} where is_active = 1"
        " and (sync_status = 'error' or last_synced_at is not null) order by id"
    )
    for row in site.rooms.d1(app).query(synced):
        if row["platform"] not in PLATFORMS:
            continue
        last = moment(row["last_synced_at"]).astimezone(UTC) if row["last_synced_at"] else None
        late = last is not None and now - last > longest
        if row["sync_status"] != "error" and not late:
            continue
        # As the platform gave it, without secrets; it says what to do before the command can help.
        reason = f": {row['sync_error']}" if row["sync_error"] else ""
        said = f"its last sync failed{reason}" if row["sync_status"] == "error" else "it was not synced for too long"
        since = f"the last one that succeeded began at {last:%Y-%m-%d %H:%M}" if last else "none succeeded before"
        first = max(site.calendar.start, ((last or now) - DAY).date())
        command = (
            f"clearlift backfill ads --app {app.name} --platform {row['platform']} --connection {row['id']}"
            f" --from {first} --to {(now + DAY).date()}"
        )
        yield Finding(row["id"], f"{said}; {since}", command, Severity.CRITICAL if late else Severity.WARNING)

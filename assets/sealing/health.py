"""What of the keys is wrong: a key that seals for longer than it should.

What does not belong here: changing it (change_keys.py).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from assets.capability import Site
from assets.finding import Finding, HealthCheck
from assets.sealing.ledger import known
from resources.counts import counted


def check(owner: str, site: Site) -> HealthCheck:
    """The look at the newest key, which all apps share."""
    needs = ("postgres schema", "key set")
    return HealthCheck(owner, "old_key", lambda now: _old(site, now), needs, every=timedelta(hours=1))


def _old(site: Site, now: datetime) -> Iterator[Finding]:
    newest = known(site.rooms.postgres).get(site.rooms.keyring.newest)
    if newest is None:
        return  # it sealed nothing that was counted yet
    age = now - newest.first_seen_at.astimezone(UTC)
    if age > timedelta(days=site.thresholds.key_days) or newest.is_worn:
        said = f"it seals for {age.days} days, {counted(newest.seals, 'value')}"
        yield Finding(f"key {newest.key_id}", said, "clearlift keys rotate")

"""What of the backups is wrong: stores without one, old, damaged and unverified ones, drills that are late, keys in no
envelope.

What does not belong here: making and verifying them; keys that are gone, without which nothing can be looked at
(key_needs.py).
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial

from assets.backups import keys as envelopes
from assets.backups.assets import IS_YOUNG
from assets.backups.covered import Covered, target_of
from assets.backups.kept_assets import IN_ENVELOPE
from assets.backups.sets import DRILLED, find, mark
from assets.backups.target import begun_at
from assets.capability import Site
from assets.finding import Finding, HealthCheck, Severity
from resources.counts import counted

HOURLY = timedelta(hours=1)
# A sensor asks for the first backup within 10 minutes, and a large store takes an hour.
FIRST = timedelta(hours=2)
# For a person to carry an envelope to another place.
NEW_KEY = timedelta(days=1)
NEEDS = ("postgres schema", "backups", "key set")


def checks(owner: str, stores: Sequence[Covered], site: Site) -> list[HealthCheck]:
    """The looks at the backups of an owner's stores."""
    return [
        HealthCheck(owner, "no_backup", partial(_missing, stores, site), NEEDS, FIRST, HOURLY),
        HealthCheck(owner, "backup", partial(_wrong, stores, site), NEEDS, every=HOURLY, covers=(IS_YOUNG,)),
        HealthCheck(owner, "drill", partial(_undrilled, stores, site), NEEDS, every=HOURLY),
    ]


def keys(owner: str, site: Site) -> HealthCheck:
    """The look at the keys that open all backups."""
    look = partial(_kept, site)
    return HealthCheck(owner, "keys_in_no_envelope", look, NEEDS, NEW_KEY, HOURLY, covers=(IN_ENVELOPE,))


def _missing(stores: Sequence[Covered], site: Site, _now: datetime) -> Iterator[Finding]:
    target = target_of(site.rooms)
    for store in stores:
        if find(target, store.name).newest_good is None:
            said = "no backup of it is verified"
            yield Finding(str(store.name), said, f"clearlift backup run {store.name}", Severity.CRITICAL)


def _wrong(stores: Sequence[Covered], site: Site, now: datetime) -> Iterator[Finding]:
    target, longest = target_of(site.rooms), timedelta(hours=site.thresholds.backup_hours)
    for store in stores:
        sets = find(target, store.name)
        newest = sets.newest_good
        if newest is not None and now - newest.moment > longest:
            said = f"its newest verified backup is {_hours(now - newest.moment)} old"
            again = f"clearlift backup run {store.name}"
            yield Finding(f"{store.name}", said, again, Severity.CRITICAL, newest.moment + longest)
        for damage in sets.unreliable:
            if not damage.key:
                forget = f"clearlift backup forget {store.name} {damage.id} --confirm"
                yield Finding(f"{store.name} {damage.id}", f"the set cannot be relied on: {damage.reason}", forget)
        for waiting in sets.unverified(now, longest):
            said = f"the set was made {_hours(now - begun_at(waiting.id))} ago and was never verified"
            verify = f"clearlift backup verify {store.name} {waiting.id}"
            yield Finding(f"{store.name} {waiting.id}", said, verify, since=begun_at(waiting.id) + longest)


def _hours(time: timedelta) -> str:
    return counted(round(time / timedelta(hours=1)), "hour")


def _undrilled(stores: Sequence[Covered], site: Site, now: datetime) -> Iterator[Finding]:
    target, longest = target_of(site.rooms), timedelta(hours=site.thresholds.drill_hours)
    for store in stores:
        sets = find(target, store.name)
        if not sets.complete or now - sets.complete[0].moment <= longest:
            continue
        # Asked of the newest first: as a rule its mark is there.
        drilled = next((m for m in reversed(sets.complete) if mark(target, store.name, m.id, DRILLED)), None)
        if drilled is None or now - drilled.moment > longest:
            since = sets.complete[0].moment if drilled is None else drilled.moment
            said = "no backup of it was restored to prove that it comes back"
            yield Finding(str(store.name), said, f"clearlift backup drill {store.name}", since=since + longest)


def _kept(site: Site, _now: datetime) -> Iterator[Finding]:
    if site.rooms.embedded_postgres is not None:
        return  # a machine to try things on
    for key_id, at in envelopes.kept(target_of(site.rooms), site.rooms.keyring).items():
        if at is None:
            said = "it is in no envelope: where this machine is lost, no backup opens"
            yield Finding(f"key {key_id}", said, "clearlift keys envelope clearlift-keys.envelope")

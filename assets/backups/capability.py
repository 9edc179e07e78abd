"""What the room of backups brings: for each store a daily backup with its drill, a look at its age, and the rotation.

What belongs here: jobs and their times. What does not: assets themselves.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from dagster import AssetChecksDefinition, AssetsDefinition, AssetSelection

from assets.apps import App
from assets.apps.pipelines import PIPELINES
from assets.backups import assets, covered, health, kept_assets
from assets.backups.covered import Covered
from assets.backups.key_needs import KeysMissingError, require_own
from assets.backups.rotation import RotationPolicy
from assets.backups.sets import any_marked
from assets.capability import AfterGap, Capability, Job, Object, Request, Site, Tick, Watch, assets_of

SUNDAY = 6


def bring(app: App, site: Site) -> Capability:
    """The backups of an app's own stores."""
    return _brought(app, site, covered.of(app))


def bring_shared(site: Site) -> Capability:
    """The backups of the stores that all apps share, and a look at the keys that open all of them."""
    brought = _brought(PIPELINES, site, covered.shared(), kept_assets.keys())
    return replace(brought, health=[*brought.health, health.keys(PIPELINES.name, site)])


def _brought(owner: App, site: Site, stores: tuple[Covered, ...], *further: AssetsDefinition) -> Capability:
    if not stores:
        return Capability()
    definitions = assets.build(stores)
    rotation = kept_assets.rotation(owner, stores, RotationPolicy(*site.kept_backups))
    checks = [one for one in definitions if isinstance(one, AssetChecksDefinition)]
    return Capability(
        assets=[*definitions, rotation, *further],
        jobs=[
            Job(
                "backup",
                assets_of(owner, *(name for one in stores for name in objects(one))) | AssetSelection.assets(*further),
                "Back up every store, then restore each backup to a scratch place and compare it.",
                timedelta(hours=12),
            ),
            Job(
                "backup_age",
                AssetSelection.checks(*checks),
                "Look how old the newest verified backup of each store is.",
                timedelta(minutes=15),
                retried=False,
            ),
            Job(
                "rotate",
                assets_of(owner, kept_assets.ROTATION),
                "Remove backups that no rule keeps; a dry run unless the configuration says otherwise.",
                timedelta(hours=2),
            ),
        ],
        ticks=[
            Tick(
                "backup",
                "10 1 * * *",
                "backup",
                "Daily at 01:10: what changed since the last backup, on Sundays a full one; then a drill.",
                AfterGap.LATEST,
                lambda at: [Request(config=_config(stores, full=at.weekday() == SUNDAY))],
            ),
            Tick(
                "backup_age",
                "50 */6 * * *",
                "backup_age",
                "Every 6 hours: how old the newest verified backup of each store is.",
                AfterGap.LATEST,
            ),
            Tick(
                "rotate",
                "40 5 * * *",
                "rotate",
                "Daily at 05:40: backups that no rule keeps.",
                AfterGap.LATEST,
                lambda _: [Request(config={kept_assets.ROTATION: kept_assets.RotationConfig(dry_run=False)})],
            ),
        ],
        watches=[
            Watch(
                "first_backup",
                ("backup",),
                "Asks for the first backup of a store, as on a new deployment.",
                lambda _: _without(site, stores),
                seconds=600,
            )
        ],
        health=health.checks(owner.name, stores, site),
    )


def objects(store: Covered) -> tuple[Object, Object]:
    """The backup of a store and its drill."""
    return assets.backup_object(store), assets.drill_object(store)


def _config(stores: tuple[Covered, ...], *, full: bool) -> dict[Object, assets.BackupConfig]:
    return {assets.backup_object(store): assets.BackupConfig(full=full) for store in stores}


def _without(site: Site, stores: tuple[Covered, ...]) -> Iterator[Request | str]:
    """A request for each store without a verified set."""
    target = covered.target_of(site.rooms)
    missing = [store for store in stores if not any_marked(target, store.name)]
    if not missing:
        yield "Every store has a verified backup."
        return
    try:
        require_own(target)
    except KeysMissingError as error:
        yield str(error)
        return
    for store in missing:
        yield Request(store.name.store, assets=objects(store))

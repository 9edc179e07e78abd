"""What a backup comes after in the graph: the assets that keep something in its store, as their tags say.

What belongs here: which these are. What does not: the assets of backups themselves (assets.py). Only the composition
root can ask, because a room does not know the others.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from dagster import AssetKey, AssetsDefinition, AssetSpec

from assets.apps import App
from assets.apps.pipelines import PIPELINES
from assets.backups import covered
from assets.backups.assets import backup_object
from assets.backups.covered import Covered

STORES = {"d1": "d1", "postgres": "postgres", "lake": "lake", "r2": "objects"}
"""The store that is backed up, by the tag of an asset."""


def joined(graph: Sequence[Any], apps: Iterable[App]) -> list[Any]:
    """A graph in which the backup of each store comes after the assets of that store. It has no circle, because nothing
    is made of a backup but its drill and the rotation.
    """
    specs = [spec for one in graph for spec in _specs(one)]
    sources = {
        AssetKey([store.owner.name, *backup_object(store)]): [spec.key for spec in specs if _is_kept_in(spec, store)]
        for store in (*covered.shared(), *(store for app in apps for store in covered.of(app)))
    }

    def after(spec: AssetSpec) -> AssetSpec:
        return spec.merge_attributes(deps=sources.get(spec.key, []))

    return [
        one.map_asset_specs(after) if isinstance(one, AssetsDefinition) and not one.keys.isdisjoint(sources) else one
        for one in graph
    ]


def _specs(one: Any) -> Iterable[AssetSpec]:
    if isinstance(one, AssetSpec):
        return [one]
    return one.specs if isinstance(one, AssetsDefinition) else []


def _is_kept_in(spec: AssetSpec, store: Covered) -> bool:
    """Whether an asset is of an app of this store, and has its tag. An archive has that of what it is made of, and is
    made of objects.
    """
    of = next((app for app in store.apps if app.name == spec.key.path[0]), None)
    capability = spec.tags.get("capability")
    if of is None or capability == "backups":
        return False
    name = "objects" if capability == "archive" else STORES.get(spec.tags["store"])
    # Where an app has a Postgres of its own, that is the one of its assets.
    is_shared = name == "postgres" and store.owner is PIPELINES and of.postgres_migrations is not None
    return name == store.name.store and not is_shared

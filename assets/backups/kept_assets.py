"""What is about all backups as assets: which sets stay, and whether the keys that open them are kept elsewhere.

What belongs here: what Dagster shows. What does not: the work (rotation.py, removal.py, keys.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetsDefinition,
    Config,
    MaterializeResult,
    ResourceParam,
)
from pydantic import Field

from assets.apps import App
from assets.apps.pipelines import PIPELINES
from assets.backups import keys as envelopes
from assets.backups.assets import backup_object
from assets.backups.covered import Covered, target_of
from assets.backups.removal import Rotated, rotate
from assets.backups.rotation import RotationPolicy
from assets.backups.target import StoreName
from assets.description import app_asset, table
from assets.rooms import Rooms

NOTHING_HELD, IN_ENVELOPE = "nothing_is_held", "every_key_is_in_an_envelope"
ROTATION, KEYS = ("backups", "rotation"), ("backups", "keys")
SHOWN = 5  # sets of a check's text


class RotationConfig(Config):
    """What a rotation may do."""

    dry_run: bool = Field(default=True, description="Only say what would go.")


def rotation(owner: App, stores: Sequence[Covered], policy: RotationPolicy) -> AssetsDefinition:
    """The rotation of the backups of an owner's stores."""

    @app_asset(
        owner,
        *ROTATION,
        store="backups",
        holds=[],
        kinds={"cloudflare"},
        deps=[[owner.name, *backup_object(covered)] for covered in stores],
        description=(
            f"Which sets stay: the newest verified one of {policy.days} days, {policy.weeks} weeks and {policy.months} "
            "months, with all that they need. What nothing names goes a day later."
        ),
        pool="backups",
        checks={NOTHING_HELD: "Everything that is to go can be deleted, and every manifest can be read."},
    )
    def rotated(config: RotationConfig, rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        target, now = target_of(rooms), rooms.clock()
        done = {one.name: rotate(target, one.name, policy, now, dry_run=config.dry_run) for one in stores}
        held = [f"{name} {set_id}: the target refuses to delete it" for name, of in done.items() for set_id in of.held]
        unreadable = [
            f"{name} {set_id}: its manifest cannot be read, so that nothing of this store goes"
            for name, of in done.items()
            for set_id in of.unreadable
        ]
        yield MaterializeResult(
            metadata=_of_rotation(done) | {"dry_run": config.dry_run},
            check_results=[
                AssetCheckResult(
                    check_name=NOTHING_HELD,
                    passed=not (held or unreadable),
                    severity=AssetCheckSeverity.WARN,
                    description="; ".join([*held, *unreadable][:SHOWN]) or None,
                )
            ],
        )

    return rotated


def _of_rotation(done: Mapping[StoreName, Rotated]) -> dict[str, Any]:
    return {
        "kept": sum(len(of.kept) for of in done.values()),
        "dropped": sum(len(of.dropped) for of in done.values()),
        "objects_removed": sum(of.removed for of in done.values()),
        "objects_waiting": sum(of.waiting for of in done.values()),
        "sets": table(
            [
                {"store": str(name), "set": set_id, "why": why}
                for name, of in done.items()
                for set_id, why in (*((set_id, "dropped") for set_id in of.dropped), *of.kept.items())
            ]
        ),
    }


def keys() -> AssetsDefinition:
    """The key set that opens every backup, which is in none of them."""

    @app_asset(
        PIPELINES,
        *KEYS,
        store="keys",
        holds=[],
        kinds={"python"},
        description="The keys that seal backups, and when each was last put into an envelope that is kept elsewhere.",
        checks={IN_ENVELOPE: "Every key is in an envelope: without it a lost machine takes all backups with it."},
    )
    def looked_at(rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        found = envelopes.kept(target_of(rooms), rooms.keyring)
        missing = ", ".join(str(key_id) for key_id, at in found.items() if at is None)
        yield MaterializeResult(
            metadata={
                "keys": table([{"key": key_id, "in an envelope of": at or "none"} for key_id, at in found.items()])
            },
            check_results=[
                AssetCheckResult(
                    check_name=IN_ENVELOPE,
                    passed=not missing,
                    severity=AssetCheckSeverity.WARN,
                    description=f"In none: {missing}. Next: `clearlift keys envelope FILE`" if missing else None,
                )
            ],
        )

    return looked_at

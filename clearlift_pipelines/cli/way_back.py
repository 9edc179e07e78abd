"""A backup of a store right before its migrations, so that an operator can go back to what was there.

What belongs here: whether one is needed, and what is said of it. What does not: making it (assets/backups), migrating.
"""

from assets.apps.pipelines import PIPELINES
from clearlift_pipelines.stores import Stores
from resources import migrations
from resources.declined import DeclinedError
from resources.migrations import State

OPTION = "--without-backup"


def keep(
    stores: Stores, name: str, applied: migrations.AppliedMigrations, folder: str, to: int | None = None
) -> str | None:
    """Back up a store, by its name among those with migrations; what to say of it. None where no migration waits, or
    none was ever applied, so that there is nothing to go back to.

    Raises:
        DeclinedError: there is no backup of it as it is now.
    """
    from assets.backups import covered
    from assets.backups.d1 import BOOKMARK

    states = migrations.status(applied, folder)
    waiting = any(one.state is State.PENDING and (to is None or one.number <= to) for one in states)
    if not waiting or all(one.state is State.PENDING for one in states):
        return None
    owner, _, kind = name.rpartition("-")
    store = covered.named(f"{owner or PIPELINES.name}/{kind}")
    try:
        manifest = store.backup(stores).run().manifest
    except DeclinedError as error:
        raise DeclinedError(
            f"no backup of it as it is can be made: {error.reason}",
            f"{error.next_step}; {OPTION} migrates all the same",
        ) from None
    bookmark = f", Time Travel bookmark {manifest.facts[BOOKMARK]}" if BOOKMARK in manifest.facts else ""
    return (
        f"backed up before its migrations as {manifest.id}, position {manifest.until}{bookmark}. To look at it: "
        f"clearlift backup restore {store.name} --at {manifest.until} --into PLACE"
    )

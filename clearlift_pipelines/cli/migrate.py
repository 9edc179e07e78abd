"""`clearlift migrate`: the numbered migrations of a store."""

from collections.abc import Collection

import click

from assets.apps import APPS
from clearlift_pipelines import settings
from clearlift_pipelines.cli import way_back
from clearlift_pipelines.cli.entry import one_line
from clearlift_pipelines.cli.tables import Columns, printed
from clearlift_pipelines.stores import Stores
from resources import migrations
from resources.declined import DeclinedError

MIGRATIONS = Columns(
    "migrations",
    "migrate status",
    {"store": "store", "migration": "migration", "state": "state", "applied_at": "applied at (UTC)"},
)
Known = dict[str, tuple[migrations.AppliedMigrations, str]]


@click.command()
@click.argument("action", type=click.Choice(["status", "up", "down"]))
@click.argument("store", required=False)
@click.option("--to", type=click.IntRange(min=0), help="Number of the last migration that is to be applied.")
@click.option("--steps", type=click.IntRange(min=1), default=1, show_default=True, help="down: how many to take back.")
@click.option("--confirm", is_flag=True, help="down: do it; without, only say what would be taken back.")
@click.option(way_back.OPTION, is_flag=True, help="up: also where no backup of a real store can be made before.")
@printed
def migrate(action: str, store: str | None, to: int | None, steps: int, confirm: bool, without_backup: bool) -> None:
    """Migrations of STORE, or of all: status, up, down.

    Before the way up a real store is backed up. A way down that would lose data is refused.

    \b
    Example: clearlift migrate up
    Example: clearlift migrate down postgres --steps 2
    """
    if action == "down" and store is None:
        raise click.UsageError("down needs a STORE")
    with Stores(settings.load()) as stores:
        every: Known = {name: (applied, folder) for name, applied, folder in stores.migrated()}
        if store is not None and store not in every:
            raise DeclinedError(f"{store} is no store with migrations", f"name one of {', '.join(every)}")
        chosen = {name: known for name, known in every.items() if store in (None, name)}
        if action == "status":
            _show(chosen)
        elif action == "down":
            for name, known in chosen.items():
                _take_back(name, *known, to=to, steps=steps, confirm=confirm)
        else:
            _bring_up(stores, chosen, to, backed_up=frozenset() if without_backup else stores.real)
            if store is None and to is None:
                made = stores.make_the_rest()
                for line in made:
                    click.echo(f"made: {line}")
                for lake in (f"{app.name}-lake" for app in APPS if app.audience is not None):
                    if not any(line.startswith(f"{lake}: ") for line in made):
                        click.echo(f"{lake}: nothing to apply")


def _show(chosen: Known) -> None:
    table = MIGRATIONS.table()
    for name, (applied, folder) in chosen.items():
        for migration in migrations.status(applied, folder):
            table.add(
                store=name, migration=str(migration), state=migration.state, applied_at=migration.applied_at or None
            )
    table.show()


def _bring_up(stores: Stores, chosen: Known, to: int | None, *, backed_up: Collection[str]) -> None:
    """Bring each store up, whether or not another one fails. backed_up: those that are backed up before.

    Raises:
        DeclinedError: stores are not up to date; their lines say why.
    """
    left = []
    for name, (applied, folder) in chosen.items():
        done: list[str] = []
        try:
            if name in backed_up and (said := way_back.keep(stores, name, applied, folder, to)):
                click.echo(f"{name}: {said}")
            migrations.up(applied, folder, to=to, done=done)
        except Exception as error:  # noqa: BLE001 (any fault of a store is its line of the answer)
            left.append(name)
            click.echo(f"{name}: {', '.join([*done, 'then stopped'])}: {one_line(error)}")
        else:
            click.echo(f"{name}: {', '.join(done) or 'nothing to apply'}")
    if left:
        raise DeclinedError(
            f"{len(left)} of {len(chosen)} stores are not up to date: {', '.join(left)}",
            "remove the cause that their lines name, then `clearlift migrate up` (docs/runbooks/failed-migration.md)",
        )


def _take_back(
    name: str,
    applied: migrations.AppliedMigrations,
    folder: str,
    *,
    to: int | None,
    steps: int,
    confirm: bool,
) -> None:
    if confirm:
        reverted = migrations.down(applied, folder, to=to, steps=steps)
        click.echo(f"{name}: took back {', '.join(reverted) or 'nothing'}")
        return
    going = migrations.going_down(applied, folder, to=to, steps=steps)
    if lost := applied.losses(going):
        raise migrations.would_lose(applied, going, lost)
    click.echo(f"{name}: would take back {', '.join(map(str, going)) or 'nothing'}")
    if going:
        click.echo("No row would be lost. --confirm does it.")

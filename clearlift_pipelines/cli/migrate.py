"""`clearlift migrate`: the numbered migrations of a store."""

import click

from clearlift_pipelines import settings
from clearlift_pipelines.stores import Stores
from resources import migrations


@click.command()
@click.argument("action", type=click.Choice(["status", "up", "down"]))
@click.argument("store", required=False)
@click.option("--to", type=click.IntRange(min=0), help="Number of the last migration that is to be applied.")
@click.option("--steps", type=click.IntRange(min=1), default=1, show_default=True, help="down: how many to take back.")
@click.option("--confirm", is_flag=True, help="down: do it; without, only say what would be taken back.")
def migrate(action: str, store: str | None, to: int | None, steps: int, confirm: bool) -> None:
    """Migrations of STORE, or of all: status, up, down. Taking back drops data and wants --confirm.

    `up` without STORE also makes what is not in a migration: the tables of the lake, the triggers of change logs.
    """
    with Stores(settings.load()) as stores:
        if action == "up" and store is None and to is None:
            for line in stores.migrate() or ["nothing to make"]:
                click.echo(line)
            return
        known = {name: (applied, folder) for name, applied, folder in stores.migrated()}
        if store is not None and store not in known:
            raise click.ClickException(f"{store} is no store with migrations; known are {', '.join(known)}")
        if action == "down" and store is None:
            raise click.UsageError("down needs a STORE")
        for name, (applied, folder) in known.items():
            if store not in (None, name):
                continue
            if action == "status":
                _show(name, applied, folder)
            elif action == "up":
                done = migrations.up(applied, folder, to=to)
                click.echo(f"{name}: {', '.join(map(str, done)) or 'nothing to apply'}")
            elif confirm:
                reverted = migrations.down(applied, folder, to=to, steps=steps)
                click.echo(f"{name}: took back {', '.join(map(str, reverted)) or 'nothing'}")
            else:
                _show_what_goes(name, applied, folder, to=to, steps=steps)


def _show(name: str, applied: migrations.AppliedMigrations, folder: str) -> None:
    for migration in migrations.status(applied, folder):
        when = migration.applied_at or ""
        click.echo(f"{name:<16} {migration.number:03} {migration.name:<24} {migration.state:<8} {when}")


def _show_what_goes(
    name: str, applied: migrations.AppliedMigrations, folder: str, *, to: int | None, steps: int
) -> None:
    now = [migration for migration in migrations.status(applied, folder) if migration.applied_at]
    going = [migration for migration in now if migration.number > to] if to is not None else now[-steps:]
    names = ", ".join(f"{migration.number:03}_{migration.name}" for migration in going[::-1])
    click.echo(f"{name}: would take back {names or 'nothing'}")
    click.echo("What these made is dropped with its data. --confirm does it.")

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
    """Migrations of STORE, or of all: status, up, down. Taking back drops data and wants --confirm."""
    stores = Stores(settings.load())
    try:
        found = {name: (ledger, folder) for name, ledger, folder in stores.ledgers()}
        if store is not None and store not in found:
            raise click.ClickException(f"{store} is no store with migrations; known are {', '.join(found)}")
        if action == "down" and store is None:
            raise click.UsageError("down needs a STORE")
        for name, (ledger, folder) in found.items():
            if store not in (None, name):
                continue
            if action == "status":
                for standing in migrations.status(ledger, folder):
                    when = standing.applied_at or ""
                    click.echo(f"{name:<16} {standing.number:03} {standing.name:<24} {standing.state:<8} {when}")
            elif action == "up":
                applied = migrations.up(ledger, folder, to=to)
                click.echo(f"{name}: {', '.join(map(str, applied)) or 'nothing to apply'}")
            elif not confirm:
                applied_now = [s for s in migrations.status(ledger, folder) if s.applied_at]
                below = [s for s in applied_now if s.number > to] if to is not None else applied_now[-steps:]
                click.echo(
                    f"{name}: would take back {', '.join(f'{s.number:03}_{s.name}' for s in below[::-1]) or 'nothing'}"
                )
                click.echo("What these made is dropped with its data. --confirm does it.")
            else:
                reverted = migrations.down(ledger, folder, to=to, steps=steps)
                click.echo(f"{name}: took back {', '.join(map(str, reverted)) or 'nothing'}")
    finally:
        stores.close()

"""`clearlift doctor`: whether each store can be used. The looks are those of the findings (assets/health/stores.py)."""

import sys

import click
from rich.text import Text

from assets.health.stores import look_at
from clearlift_pipelines import settings
from clearlift_pipelines.cli import tables
from clearlift_pipelines.cli.entry import one_line
from clearlift_pipelines.store_checks import store_checks
from clearlift_pipelines.stores import Stores
from resources.declined import DeclinedError

# A person waits for what a sensor would give up.
SECONDS = 120.0


@click.command()
def doctor() -> None:
    """Each store: reachable, migrated, writable; what else is set: usable. A line each, exit code 1 when one is not."""
    with Stores(settings.load(), makes_keys=False) as stores:
        well = examine(stores)
    sys.exit(0 if well else 1)


def examine(stores: Stores) -> bool:
    """Print a line for each store; whether all is well."""
    console = tables.console()
    checks = store_checks(stores)
    width = max(len(check.name) for check in checks)
    seen = look_at(checks, SECONDS)
    for name, one in seen.items():
        good = one.error is None
        line = one.said
        if one.error is not None:
            # A refusal whole, because its end is what to do next.
            line = str(one.error) if isinstance(one.error, DeclinedError) else one_line(one.error)
        # A store's own words are not markup.
        shown = Text.assemble((f"{'ok' if good else 'bad':<4}", "green" if good else "red"), f" {name:<{width}} {line}")
        console.print(shown, soft_wrap=True)
    return all(one.error is None for one in seen.values())

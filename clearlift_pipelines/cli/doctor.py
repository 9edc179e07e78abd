"""`clearlift doctor`: whether each store can be used. The looks are those of the findings (assets/health/stores.py)."""

import sys

import click
from rich.text import Text

from assets.health.stores import look_at
from clearlift_pipelines import settings, store_places
from clearlift_pipelines.cli import tables
from clearlift_pipelines.cli.entry import one_line
from clearlift_pipelines.cli.tables import Columns
from clearlift_pipelines.store_checks import store_checks
from clearlift_pipelines.stores import Stores
from resources.declined import DeclinedError

# A person waits for what a sensor would give up.
SECONDS = 120.0


STORES = Columns(
    "stores", "doctor", {"store": "store", "well": "well", "is": "is", "where": "where", "said": "how it stands"}
)


@click.command()
@tables.printed
def doctor() -> None:
    """Each store: reachable, migrated, writable; what else is set: usable. A line each, exit code 1 when one is not.

    Example: clearlift doctor --json
    """
    with Stores(settings.load(), makes_keys=False) as stores:
        well = examine(stores)
    sys.exit(0 if well else 1)


def examine(stores: Stores) -> bool:
    """Print a line for each store: whether it is well, real or embedded, and how it stands; whether all is well."""
    console, shown = tables.console(), STORES.table()
    checks, places = store_checks(stores), {place.name: place for place in store_places.of(stores.settings)}
    width = max(len(check.name) for check in checks)
    seen = look_at(checks, SECONDS)
    for name, one in seen.items():
        good = one.error is None
        line = one.said
        if one.error is not None:
            # A refusal whole, because its end is what to do next.
            line = str(one.error) if isinstance(one.error, DeclinedError) else one_line(one.error)
        place = places.get(name.removesuffix(" schema"))
        kind = place.kind if place else ""
        shown.add(store=name, well=good, said=line, **{"is": kind or None, "where": place.where if place else None})
        # A store's own words are not markup.
        said = f" {name:<{width}} {kind:<8} {line}"
        console.print(
            Text.assemble((f"{'ok' if good else 'bad':<4}", "green" if good else "red"), said), soft_wrap=True
        )
    if shown.is_json:
        shown.show()
    return all(one.error is None for one in seen.values())

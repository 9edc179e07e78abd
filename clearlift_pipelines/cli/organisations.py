"""An organisation as an option: one that no store has heard of is refused, for its work would be none."""

import click

from assets.apps import APPS
from assets.events.table import EVENTS
from clearlift_pipelines.stores import Stores
from resources.sql_files import read_sql


def require(stores: Stores, tag: str | None) -> None:
    """Raises click.BadParameter where neither an application nor the lake knows the tag; None stands for all."""
    if tag is None:
        return
    for app in APPS:
        if app.audience is not None:
            known = stores.d1(app).query(read_sql(app.audience.org_tags))
            if tag in {row["tag"] for row in known}:
                return
    # One that the application has forgotten may have events still.
    if not stores.lake.exists(EVENTS) or not stores.lake.table(EVENTS).files(tenants=[tag]):
        raise click.BadParameter(f"no organisation has the tag {tag!r}", param_hint="--org")

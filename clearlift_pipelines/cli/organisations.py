"""An organisation as an option: a tag that no store knows is refused, because its work would be none."""

import click

from assets.apps import App
from clearlift_pipelines.stores import Stores
from resources.sql_files import read_sql


def require(stores: Stores, app: App, tag: str | None) -> None:
    """Raises click.BadParameter where neither the app nor its lake table knows the tag; None stands for all tags."""
    if tag is None:
        return
    from assets.events.table import events_table

    assert app.audience is not None, f"{app.name} collects no events"
    tags = {row["tag"] for row in stores.d1(app).query(read_sql(app.audience.org_tags))}
    table = events_table(app)
    # The app may have deleted an organisation whose events are still there.
    if tag in tags or (stores.lake.exists(table) and stores.lake.table(table).files(tenants=[tag])):
        return
    raise click.BadParameter(f"no organisation has the tag {tag!r}", param_hint="--org")

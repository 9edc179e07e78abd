"""An organisation as an option: a tag that no store knows is refused, because its work would be none."""

import click

from assets.apps import App
from clearlift_pipelines.stores import Stores
from resources.sql_files import read_sql


def require(stores: Stores, app: App, tag: str | None) -> None:
    """Raises click.BadParameter where neither the app nor its lake knows the tag; None stands for all tags."""
    if tag is None:
        return
    from assets.lake_tables import lake_tables

    assert app.audience is not None, f"{app.name} collects no events"
    tags = {row["tag"] for row in stores.d1(app).query(read_sql(app.audience.org_tags))}
    # The app may have deleted an organisation whose rows are still there.
    there = (table.spec for table in lake_tables(app) if stores.lake.exists(table.spec))
    if tag in tags or any(stores.lake.table(spec).files(tenants=[tag]) for spec in there):
        return
    raise click.BadParameter(f"no organisation has the tag {tag!r}", param_hint="--org")

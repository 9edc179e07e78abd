"""What the room of databases brings: a daily look at an app's own Postgres."""

from datetime import timedelta

from dagster import AssetSelection

from assets.apps import App
from assets.capability import AfterGap, Capability, Job, Site, Tick
from assets.database import assets


def bring(app: App, _site: Site) -> Capability:
    """Empty for an app without a Postgres database of its own."""
    if app.postgres_migrations is None:
        return Capability()
    return Capability(
        assets=assets.build(app),
        jobs=[
            Job(
                "database",
                AssetSelection.groups(f"{app.name}_database"),
                "Look at indexes, tables, statements and connections of the app's own Postgres.",
                timedelta(minutes=30),
            )
        ],
        ticks=[
            Tick(
                "database",
                "40 4 * * *",
                "database",
                "Daily at 04:40: what is to be done in the app's own Postgres, with the SQL to run.",
                AfterGap.LATEST,
            )
        ],
    )

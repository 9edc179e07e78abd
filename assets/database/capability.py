"""What the room of databases brings: a daily look at an app's own Postgres, and at plans of what is asked often."""

from datetime import timedelta

from dagster import AssetSelection

from assets.apps import App
from assets.capability import AfterGap, Capability, Job, Site, Tick
from assets.database import assets, plans


def bring(app: App, site: Site) -> Capability:
    """Plans of what is asked often; the rest for an app with a Postgres database of its own alone."""
    health = plans.checks(app, site)
    if app.postgres_migrations is None:
        return Capability(health=health)
    return Capability(
        health=health,
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

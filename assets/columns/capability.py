"""What the columns room brings: a daily filling of columns that a migration took out of JSON."""

from assets.apps import App
from assets.capability import Capability, Job, Site, Tick, assets_of
from assets.columns import assets


def bring(app: App, _site: Site) -> Capability:
    """Empty for an app that took no column out of JSON."""
    filled = assets.build(app)
    if not filled:
        return Capability()
    return Capability(
        assets=filled,
        jobs=[Job("columns", assets_of(app, ("columns", "filled")), "Fill columns whose values were fields of JSON.")],
        ticks=[
            Tick(
                "columns",
                "20 2 * * *",
                "columns",
                "Daily, columns that a migration added and whose values are still in JSON.",
            )
        ],
    )

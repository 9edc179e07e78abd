"""What the metrics room brings: one asset a grain, and a job of all. The job that takes points makes them too."""

from datetime import timedelta

from dagster import AssetSelection

from assets.apps import App
from assets.capability import Capability, Job, Site
from assets.metrics import assets


def bring(app: App, _site: Site) -> Capability:
    """Empty for an app that keeps no metrics."""
    if app.metrics is None:
        return Capability()
    return Capability(
        assets=assets.build_assets(app),
        jobs=[Job("metrics", AssetSelection.groups(f"{app.name}_metrics"), "Make stale metrics.", timedelta(hours=6))],
    )

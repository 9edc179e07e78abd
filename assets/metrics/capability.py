"""What the metrics room brings: one asset for each grain. The job that takes points makes them too."""

from assets.apps import App
from assets.capability import Capability, Site
from assets.metrics import assets


def bring(app: App, _site: Site) -> Capability:
    """Empty for an app that keeps no metrics."""
    return Capability(assets=assets.build_assets(app))

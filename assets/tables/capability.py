"""What the tables room brings: the app's own tables of D1, as assets that others read."""

from assets.apps import App
from assets.capability import Capability, Site
from assets.tables import assets


def bring(app: App, _site: Site) -> Capability:
    """Empty for an app without tables."""
    return Capability(assets=assets.build(app))

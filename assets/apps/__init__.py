"""The applications, as data. A further application is one file here and its SQL."""

from assets.apps.clearlift import CLEARLIFT
from assets.apps.model import App, Audience, Table

APPS: tuple[App, ...] = (CLEARLIFT,)

__all__ = ["APPS", "App", "Audience", "Table"]

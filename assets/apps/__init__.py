"""The applications, as data. A further application is one file here and its SQL."""

from assets.apps.clearlift import CLEARLIFT
from assets.apps.model import App, Audience, CacheAside, CacheFamily, Media, Table, Variant
from assets.apps.sesh import SESH

APPS: tuple[App, ...] = (CLEARLIFT, SESH)

__all__ = ["APPS", "App", "Audience", "CacheAside", "CacheFamily", "Media", "Table", "Variant"]

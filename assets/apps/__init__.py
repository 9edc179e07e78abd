"""The apps, as data: a further app is one module here that has an `APP`, and its SQL.

What belongs here: what can be said of an app without code. What does not: anything that is done with it.
"""

from importlib import import_module
from pkgutil import iter_modules

from assets.apps.app import App
from assets.apps.model import (
    AdAccounts,
    Audience,
    CacheAside,
    CacheFamily,
    Experiments,
    Extraction,
    Growth,
    IntegrityRule,
    LoggedTable,
    Media,
    MetricSeries,
    Points,
    Ranking,
    SearchIndex,
    Series,
    Table,
    Variant,
)


def _found() -> tuple[App, ...]:
    modules = (import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__))
    return tuple(module.APP for module in modules if hasattr(module, "APP"))


APPS: tuple[App, ...] = _found()
"""Every app, by name."""

__all__ = [
    "APPS",
    "AdAccounts",
    "App",
    "Audience",
    "CacheAside",
    "CacheFamily",
    "Experiments",
    "Extraction",
    "Growth",
    "IntegrityRule",
    "LoggedTable",
    "Media",
    "MetricSeries",
    "Points",
    "Ranking",
    "SearchIndex",
    "Series",
    "Table",
    "Variant",
]

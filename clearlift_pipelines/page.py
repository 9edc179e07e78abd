"""The pages by the settings: put together for the sensor and for `clearlift page`.

What does not belong here: what a page says (assets/page), and serving it (cli/page.py).
"""

import time
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import psycopg
from dagster import DagsterInstance, RepositoryDefinition

from assets.apps import APPS, App
from assets.health.ledger import Ledger
from assets.health.sensors import LOOKS_EVERY
from assets.health.ticks import ran_ever
from assets.page import dashboard, health_page, served
from assets.page.assets import KEY, Written
from assets.page.blocks import Link, Page
from assets.page.document import html
from assets.page.source import Source
from clearlift_pipelines import run_figures
from clearlift_pipelines.health import look_of
from clearlift_pipelines.history import history_bytes
from clearlift_pipelines.stores import Stores
from resources.unreachable import UnreachableError

Links = Sequence[tuple[str, Sequence[Link]]]


def source_of(stores: Stores, instance: DagsterInstance) -> Source:
    """What the page is read from, at this moment."""
    chosen = stores.settings
    url = chosen.dagster_postgres_url
    size = partial(history_bytes, url.get_secret_value() if url else None)
    return Source(
        stores,
        APPS,
        chosen.limits,
        chosen.home,
        stores.clock(),
        partial(run_figures.made, instance),
        partial(run_figures.history, instance, size),
        partial(ran_ever, instance),
    )


def look_if_late(stores: Stores, instance: DagsterInstance, repository: RepositoryDefinition) -> None:
    """Look at what is wrong where nobody did for as long as the sensor takes between two looks."""
    from clearlift_pipelines.definitions import brought, health_checks

    try:
        last = max(Ledger(stores.postgres).looked().values(), default=None)
    except (UnreachableError, psycopg.Error):
        return  # the page says that nobody knows
    if last is None or stores.clock() - last > timedelta(seconds=LOOKS_EVERY):
        look_of(stores, health_checks(brought(stores)), instance, repository).run()


def health(stores: Stores, instance: DagsterInstance, links: Links = ()) -> Page:
    """The page of how the pipelines stand."""
    return health_page.made(source_of(stores, instance), links)


def write(stores: Stores, instance: DagsterInstance) -> Written:
    """Write that page to R2, over the one before; and note the requests of this process, which lives long."""
    began = time.perf_counter()
    page = health(stores, instance)
    file = html(page).encode()
    stores.object_store.put(KEY, file)
    seconds = round(time.perf_counter() - began, 3)
    stores.note_requests()
    return Written(stores.object_store.uri(KEY), len(file), seconds, page.standing, f"{page.made_at:%Y-%m-%dT%H}")


def organisations(stores: Stores) -> list[tuple[App, str]]:
    """Every organisation whose dashboard KV serves, by the index."""
    apps = [app for app in APPS if served.has_dashboards(app)]
    return [(app, tag) for app in apps for tag in served.organisations(stores.postgres, app)]


def of_organisation(stores: Stores, app: App, org_tag: str, range_: str, links: Links = ()) -> Page:
    """The page of what KV serves to an organisation's dashboard."""
    return dashboard.made(served.read(app, stores.kv(app), org_tag, range_, stores.clock()), links)

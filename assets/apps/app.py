"""One app as data: its parts, and what follows from them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from assets.apps.hot_query import HotQuery
from assets.apps.lifecycle import STORES, Lifecycle, Store
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
    SearchIndex,
    Series,
    Table,
)
from assets.apps.personal import Holding, holding
from assets.apps.pipelines_lifecycles import lifecycles_of
from assets.apps.pipelines_personal import PIPELINES, web_events


@dataclass(frozen=True)
class App:
    """One application. `name` leads its asset keys, groups, databases and namespaces.

    d1_migrations: its folder under sql/, None where it has no D1. postgres_migrations: the same of a Postgres database
    of its own. audience: set where it collects web events. ad_accounts: set where its organisations connect any. cache:
    what is kept warm in its KV. cache_aside: what a changed row deletes there. media: set where people upload images.
    own_lifecycles: how long each of its own tables and prefixes is kept. personal: whose data its own tables, prefixes
    and key families hold; what its web events and the pipelines' own stores hold is the same for every application.
    series: what its D1 keeps in partitions. points: set where sessions flush points. metrics: set where it counts some
    series. experiments: set where its own Postgres holds any. growth: set where that holds events, leads and
    onboarding. extractions: columns that its migrations took out of JSON. changes: the tables whose changes are logged.
    rules: what holds for the rows of its own database. search: the full-text indexes of its D1. hot_queries: what is
    asked often of its own databases.
    """

    name: str
    title: str
    owner: str
    tables: Mapping[str, Table]
    d1_migrations: str | None = None
    postgres_migrations: str | None = None
    audience: Audience | None = None
    ad_accounts: AdAccounts | None = None
    cache: tuple[CacheFamily, ...] = ()
    cache_aside: tuple[CacheAside, ...] = ()
    media: Media | None = None
    own_lifecycles: tuple[Lifecycle, ...] = ()
    personal: tuple[Holding, ...] = ()
    series: tuple[Series, ...] = ()
    points: Points | None = None
    metrics: MetricSeries | None = None
    experiments: Experiments | None = None
    growth: Growth | None = None
    extractions: tuple[Extraction, ...] = ()
    changes: tuple[LoggedTable, ...] = ()
    rules: tuple[IntegrityRule, ...] = ()
    search: tuple[SearchIndex, ...] = ()
    hot_queries: tuple[HotQuery, ...] = ()

    @property
    def has_kv(self) -> bool:
        """Whether it has a KV namespace."""
        return bool(self.cache or self.cache_aside)

    @cached_property
    def lifecycles(self) -> tuple[Lifecycle, ...]:
        """How long all of its data is kept, store by store: its own, and what our stores hold of it."""
        ours = lifecycles_of(
            self.name,
            audience=self.audience,
            ad_accounts=self.ad_accounts,
            media=self.media,
            cache=self.cache,
            cache_aside=self.cache_aside,
            experiments=self.experiments,
            d1=self.d1_migrations is not None,
        )
        return tuple(sorted((*self.own_lifecycles, *ours), key=lambda entry: STORES.index(entry.store)))

    @property
    def holdings(self) -> tuple[Holding, ...]:
        """The registry of what is personal: of its own stores, of its web events, of the pipelines' stores."""
        audience = self.audience
        events = web_events(audience.table, audience.landing, audience.quarantine) if audience else ()
        return (*self.personal, *events, *PIPELINES)

    def holding(self, store: Store, name: str) -> Holding:
        """The registry's entry of a table, prefix or key family; raises LookupError where there is none."""
        return holding(self.holdings, store, name)

    def lifecycle(self, store: Store, name: str) -> Lifecycle:
        """How long a table, prefix or key family is kept; raises LookupError where nobody said it."""
        for entry in self.lifecycles:
            if (entry.store, entry.name) == (store, name):
                return entry
        raise LookupError(f"{store} {name} has no lifecycle; add it to assets/apps/*_lifecycles.py")

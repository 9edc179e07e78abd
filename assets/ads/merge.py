"""Merging a staged slice into Postgres: COPY to a temporary table, then statements over all of its rows.

Rows, cursor, history and restatements are one transaction under the connection's lock, so that a kill leaves all or
nothing. Of two runs the one that observed later wins, because an earlier observation never overwrites a later one. What
does not belong here: asking a platform.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from assets.ads import normalise, plan
from assets.ads.normalise import FIXED_COLUMNS, AccountContext
from assets.ads.staging import SliceManifest, Staging
from assets.apps import App
from resources.ad_platforms import (
    Account,
    Fact,
    MalformedPageError,
    Notes,
    Platform,
    Record,
    Stream,
)
from resources.postgres import Connection, Postgres, copy_in
from resources.sql_files import read_sql

LONGEST_SECONDS = 3_600


@dataclass
class MergeResult:
    """What a merge did: pages and records read, rows written by kind.

    restated: final days that differ from before. unlisted: entities that have facts and are on no list. superseded: a
    later observation was stored already.
    """

    pages: int = 0
    rows: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    restated: int = 0
    unlisted: int = 0
    superseded: bool = False
    notes: Notes = field(default_factory=Notes)
    account: Account | None = None


@dataclass(frozen=True)
class EntityTable:
    """The table of a level's entities, its loaded columns, and how a record becomes a row of them."""

    table: str
    columns: tuple[str, ...]
    row: Callable[[Any, AccountContext, Notes], tuple[Any, ...]]


@dataclass(frozen=True)
class Level:
    """The table of a level's facts, its key column, and the list that its entities come from."""

    facts: str
    key: str
    listed: Stream


ENTITIES = {
    Stream.CAMPAIGNS: EntityTable("ads.campaigns", normalise.CAMPAIGN_COLUMNS, normalise.campaign),
    Stream.AD_GROUPS: EntityTable("ads.ad_groups", normalise.AD_GROUP_COLUMNS, normalise.ad_group),
    Stream.KEYWORDS: EntityTable("ads.keywords", normalise.KEYWORD_COLUMNS, normalise.keyword),
}
LEVELS = {
    Stream.CAMPAIGN_DAYS: Level("ads.campaign_metrics_daily", "campaign_id", Stream.CAMPAIGNS),
    Stream.AD_GROUP_DAYS: Level("ads.ad_group_metrics_daily", "ad_group_id", Stream.AD_GROUPS),
    Stream.KEYWORD_DAYS: Level("ads.keyword_metrics_daily", "keyword_id", Stream.KEYWORDS),
}


@dataclass
class Merge:
    """The engine of merging for one app and platform. restatements: record how final days changed."""

    app: App
    platform: Platform
    postgres: Postgres
    staging: Staging
    clock: Callable[[], datetime]
    restatements: bool = True

    def run(self, manifest: SliceManifest) -> MergeResult:
        """Merge one complete slice.

        Raises:
            MalformedPageError: a page cannot be read; nothing was changed.
        """
        with self.postgres.lock(f"{self.app.name}.ads.{manifest.connection_id}") as connection:
            connection.execute("select set_config('statement_timeout', %s, true)", (str(LONGEST_SECONDS * 1000),))
            return _SliceMerge(self, manifest, connection, self.clock()).run()


class _SliceMerge:
    """The merge of one slice, in one transaction."""

    def __init__(self, merge: Merge, manifest: SliceManifest, connection: Connection, now: datetime) -> None:
        self._merge = merge
        self._manifest = manifest
        self._connection = connection
        self._result = MergeResult(pages=len(manifest.pages))
        self._context = AccountContext(
            org_id=manifest.org_id,
            platform=manifest.platform,
            account_id=manifest.account_id,
            currency=manifest.currency,
            run_id=manifest.run_id,
            observed_at=manifest.observed_at,
            now=now,
        )
        today = plan.local_day(manifest.observed_at, manifest.time_zone) if manifest.time_zone else None
        self._parameters: dict[str, Any] = {
            **manifest.parameters(merge.app),
            "currency": manifest.currency,
            "time_zone": manifest.time_zone,
            "attribution": manifest.attribution,
            "today": today,
            "final_until": plan.final_until(manifest.days, today) if manifest.days and today else None,
            "now": now,
        }

    def run(self) -> MergeResult:
        result = self._result
        if self._manifest.stream is Stream.ACCOUNT:
            self._account()
        elif self._manifest.days is None:
            self._entities()
        else:
            self._facts(LEVELS[self._manifest.stream])
        self._connection.execute(read_sql("ads/advance.sql"), self._parameters)
        counts = {name: getattr(result, name) for name in ("pages", "rows", "inserted", "updated", "deleted")}
        self._connection.execute(read_sql("ads/merge_slice.sql"), {**self._parameters, **counts})
        return result

    def _account(self) -> None:
        result = self._result
        accounts = [record for record in self._records(result.notes) if isinstance(record, Account)]
        if not accounts:
            raise MalformedPageError("account: the platform did not name it")
        account = accounts[0]
        try:
            ZoneInfo(account.time_zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise MalformedPageError("account: its time zone is not known") from None
        result.account, result.rows = account, 1
        status = normalise.ACCOUNT_STATUSES[self._manifest.platform].get(account.native_status)
        if status is None:
            result.notes[f"account status {account.native_status[:64]}"] += 1
        result.superseded = self._is_superseded()
        if result.superseded:
            return
        result.updated = self._connection.execute(
            read_sql("ads/write_account.sql"),
            {
                **self._parameters,
                "id": f"{self._manifest.platform}:{self._manifest.account_id}",
                "name": account.name,
                "status": status,
                "native_status": account.native_status,
                "currency": account.currency,
                "time_zone": account.time_zone,
                "raw_data": account.raw,
            },
        ).rowcount

    def _entities(self) -> None:
        result, stream = self._result, self._manifest.stream
        result.superseded = self._is_superseded()
        if result.superseded:
            return
        self._copy_entities(stream, self._counted(result))
        result.inserted, result.updated = self._write_entities(stream)
        vanish = read_sql("ads/vanish.sql").format(entities=ENTITIES[stream].table)
        result.deleted = self._connection.execute(vanish, self._parameters).rowcount

    def _copy_entities(self, stream: Stream, records: Iterator[Any]) -> None:
        """Load entities into the temporary table `incoming`, and make the parents that are missing."""
        entities, columns = ENTITIES[stream], ENTITIES[stream].columns
        changes = "drop app, add seq bigint generated always as identity"
        if stream is Stream.KEYWORDS:
            columns, changes = (*columns, "campaign_id"), f"{changes}, add campaign_id text not null"
        self._connection.execute("drop table if exists pg_temp.incoming")
        self._connection.execute(f"create temporary table incoming (like {entities.table}) on commit drop")
        self._connection.execute(f"alter table pg_temp.incoming {changes}")
        rows = (entities.row(record, self._context, self._result.notes) for record in records)
        copy_in(self._connection, "pg_temp.incoming", columns, rows)
        if stream is Stream.AD_GROUPS:
            self._connection.execute(read_sql("ads/missing_campaigns.sql"), self._parameters)
        elif stream is Stream.KEYWORDS:
            self._connection.execute(read_sql("ads/missing_ad_groups.sql"), self._parameters)

    def _write_entities(self, stream: Stream) -> tuple[int, int]:
        """Write the entities in `incoming`; how many were inserted and updated."""
        entities = ENTITIES[stream]
        changing = [column for column in entities.columns if column not in FIXED_COLUMNS]
        statement = read_sql("ads/write_entities.sql").format(
            entities=entities.table,
            columns=", ".join(entities.columns),
            stored=", ".join(f"stored.{column}" for column in changing),
            loaded=", ".join(f"l.{column}" for column in changing),
            assignments=", ".join(f"{column} = excluded.{column}" for column in changing),
        )
        return self._written(statement)

    def _facts(self, level: Level) -> None:
        result, manifest = self._result, self._manifest
        self._connection.execute(read_sql("ads/window_days.sql"), self._parameters)
        self._connection.execute(read_sql("ads/incoming_facts.sql"))
        rows = (
            (
                normalise.entity_of(fact, manifest.stream, self._context),
                fact.day,
                fact.impressions,
                fact.clicks,
                fact.spend,
                fact.conversions,
                fact.conversions_value,
            )
            for fact in self._nonzero_facts(result)
        )
        copy_in(self._connection, "pg_temp.incoming", normalise.FACT_COLUMNS, rows)
        self._connection.execute("analyze incoming")
        self._list_unlisted(level)
        if manifest.stream is Stream.CAMPAIGN_DAYS and self._merge.restatements:
            result.restated = self._connection.execute(read_sql("ads/restate.sql"), self._parameters).rowcount
        names = {"facts": level.facts, "key": level.key}
        delete = read_sql("ads/delete_facts.sql").format(**names)
        result.deleted = self._connection.execute(delete, self._parameters).rowcount
        result.inserted, result.updated = self._written(read_sql("ads/write_facts.sql").format(**names))

    def _written(self, statement: str) -> tuple[int, int]:
        counts = self._connection.execute(statement, self._parameters).fetchone()
        assert counts is not None  # an aggregate gives one row
        return counts["inserted"], counts["updated"]

    def _nonzero_facts(self, result: MergeResult) -> Iterator[Fact]:
        """The slice's facts that are not all zero, counted in `result`; every fact must be of a requested day."""
        days = self._manifest.days
        assert days is not None
        for fact in self._counted(result):
            assert isinstance(fact, Fact)
            if not days.since <= fact.day <= days.until:
                raise MalformedPageError(f"{self._manifest.stream.value}: {fact.day} was not asked for")
            if not normalise.is_nothing(fact):
                yield fact

    def _counted(self, result: MergeResult) -> Iterator[Record]:
        for record in self._records(result.notes):
            result.rows += 1
            yield record

    def _records(self, notes: Notes) -> Iterator[Record]:
        """The records of the staged slice; an error names the page."""
        manifest = self._manifest
        for number, (body, context) in enumerate(self._merge.staging.bodies(manifest), 1):
            try:
                yield from self._merge.platform.read(manifest.stream, body, context, notes)
            except MalformedPageError as error:
                raise MalformedPageError(f"{manifest.stream.value} page {number}: {error}") from None

    def _list_unlisted(self, level: Level) -> None:
        """Insert the entities that have facts and are on no list, because a platform may list no deleted ones.

        They are described by their facts, which are read a second time; few slices need it.
        """
        statement = read_sql("ads/unlisted.sql").format(entities=ENTITIES[level.listed].table)
        wanted = {row["entity_id"] for row in self._connection.execute(statement, self._parameters)}
        if not wanted:
            return
        stream, gone = self._manifest.stream, self._was_listed(level)
        facts: dict[str, Fact] = {}
        for fact in self._nonzero_facts(MergeResult()):
            entity = normalise.entity_of(fact, stream, self._context)
            if entity in wanted:
                facts[entity] = fact
        self._connection.execute("alter table incoming rename to facts_incoming")
        self._copy_entities(level.listed, (normalise.unlisted(fact, stream, gone=gone) for fact in facts.values()))
        self._write_entities(level.listed)
        self._connection.execute("drop table pg_temp.incoming")
        self._connection.execute("alter table facts_incoming rename to incoming")
        self._result.unlisted = len(facts)

    def _was_listed(self, level: Level) -> bool:
        """Whether this run has merged the complete list, so that an entity that is not on it is gone."""
        row = self._connection.execute(
            "select run_id::text as run_id from ads.sync_state"
            " where app = %(app)s and connection_id = %(connection_id)s and stream = %(listed)s",
            {**self._parameters, "listed": level.listed.value},
        ).fetchone()
        return row is not None and row["run_id"] == self._manifest.run_id

    def _is_superseded(self) -> bool:
        row = self._connection.execute(
            "select 1 from ads.sync_state where app = %(app)s and connection_id = %(connection_id)s"
            " and stream = %(stream)s and observed_at > %(observed_at)s",
            self._parameters,
        ).fetchone()
        return row is not None

"""Merging a staged slice into Postgres: COPY to a temporary table, then statements over all of its rows.

Data, cursor, history and ledger are one transaction under the connection's lock, so that a kill leaves all or nothing,
and of two runs the one that observed later wins whichever merges first. What does not belong here: asking a platform.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from assets.ads import normalise, plan, staging
from assets.ads.normalise import Place
from assets.ads.staging import Manifest
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
from resources.r2 import ObjectStore
from resources.sql_files import read_sql

LONGEST_SECONDS = 3_600


@dataclass
class Merged:
    """What a merge did: pages and rows read, rows written by kind; `superseded`: a later observation was there."""

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
class Level:
    """Where a level's facts and entities lie, and which list its entities come from."""

    facts: str
    key: str
    entities: str
    listed: Stream


LEVELS = {
    Stream.CAMPAIGN_DAYS: Level("ads.campaign_metrics_daily", "campaign_id", "ads.campaigns", Stream.CAMPAIGNS),
    Stream.AD_GROUP_DAYS: Level("ads.ad_group_metrics_daily", "ad_group_id", "ads.ad_groups", Stream.AD_GROUPS),
    Stream.KEYWORD_DAYS: Level("ads.keyword_metrics_daily", "keyword_id", "ads.keywords", Stream.KEYWORDS),
}
_ROWS: dict[Stream, tuple[str, tuple[str, ...], Callable[[Any, Place, Notes], tuple[Any, ...]]]] = {
    Stream.CAMPAIGNS: ("ads.campaigns", normalise.CAMPAIGN_COLUMNS, normalise.campaign),
    Stream.AD_GROUPS: ("ads.ad_groups", normalise.AD_GROUP_COLUMNS, normalise.ad_group),
    Stream.KEYWORDS: ("ads.keywords", normalise.KEYWORD_COLUMNS, normalise.keyword),
}


@dataclass
class Merge:
    """The engine of merging for one platform. `ledger`: write what final days were restated to."""

    platform: Platform
    postgres: Postgres
    store: ObjectStore
    clock: Callable[[], datetime]
    ledger: bool = True

    def run(self, manifest: Manifest) -> Merged:
        """Merge one whole slice; raises MalformedPageError for a page that cannot be read, and changes nothing then."""
        done = Merged(pages=len(manifest.pages))
        now = self.clock()
        values = self._values(manifest, now)
        with self.postgres.lock(f"ads.{manifest.connection_id}") as connection:
            connection.execute("select set_config('statement_timeout', %s, true)", (str(LONGEST_SECONDS * 1000),))
            if manifest.stream is Stream.ACCOUNT:
                self._account(connection, manifest, values, done)
            elif manifest.days is None:
                self._entities(connection, manifest, values, done)
            else:
                self._facts(connection, manifest, values, done)
            connection.execute(read_sql("ads/advance.sql"), values)
            connection.execute(
                read_sql("ads/merge_slice.sql"),
                {
                    **values,
                    "pages": done.pages,
                    "rows": done.rows,
                    "inserted": done.inserted,
                    "updated": done.updated,
                    "deleted": done.deleted,
                },
            )
        return done

    def _values(self, manifest: Manifest, now: datetime) -> dict[str, Any]:
        today = plan.local_day(manifest.observed_at, manifest.time_zone) if manifest.time_zone else None
        final = plan.final_until(manifest.days, today) if manifest.days and today else None
        return {
            "slice_id": manifest.slice_id,
            "run_id": manifest.run_id,
            "connection_id": manifest.connection_id,
            "org_id": manifest.org_id,
            "platform": manifest.platform,
            "account_id": manifest.account_id,
            "stream": manifest.stream.value,
            "since": manifest.since,
            "until": manifest.until,
            "observed_at": manifest.observed_at,
            "currency": manifest.currency,
            "time_zone": manifest.time_zone,
            "attribution": manifest.attribution,
            "today": today,
            "final_until": final,
            "now": now,
        }

    def records(self, manifest: Manifest, notes: Notes) -> Iterator[Record]:
        """The records of a staged slice; an error names the page."""
        for number, (body, context) in enumerate(staging.bodies(self.store, manifest), 1):
            try:
                yield from self.platform.read(manifest.stream, body, context, notes)
            except MalformedPageError as error:
                raise MalformedPageError(f"{manifest.stream.value} page {number}: {error}") from None

    def _account(self, connection: Connection, manifest: Manifest, values: dict[str, Any], done: Merged) -> None:
        found = [r for r in self.records(manifest, done.notes) if isinstance(r, Account)]
        if not found:
            raise MalformedPageError("account: the platform did not name it")
        account = done.account = found[0]
        try:
            ZoneInfo(account.time_zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise MalformedPageError("account: its time zone is not known") from None
        status = normalise.ACCOUNT_STATUSES[manifest.platform].get(account.native_status)
        if status is None:
            done.notes[f"account status {account.native_status[:64]}"] += 1
        done.rows = 1
        if self._is_superseded(connection, values):
            done.superseded = True
            return
        done.updated = connection.execute(
            read_sql("ads/write_account.sql"),
            {
                **values,
                "id": f"{manifest.platform}:{manifest.account_id}",
                "name": account.name,
                "status": status,
                "native_status": account.native_status,
                "currency": account.currency,
                "time_zone": account.time_zone,
                "raw_data": account.raw,
            },
        ).rowcount

    def _entities(self, connection: Connection, manifest: Manifest, values: dict[str, Any], done: Merged) -> None:
        done.superseded = self._is_superseded(connection, values)
        if done.superseded:
            return
        place = self._place(manifest, values)
        self._copy_entities(connection, manifest.stream, place, self._counted(manifest, done), done)
        done.inserted, done.updated = self._write_entities(connection, manifest.stream)
        vanish = _of(read_sql("ads/vanish.sql"), entities=_ROWS[manifest.stream][0])
        done.deleted = connection.execute(vanish, values).rowcount

    def _copy_entities(
        self, connection: Connection, stream: Stream, place: Place, records: Iterator[Any], done: Merged
    ) -> None:
        table, columns, row = _ROWS[stream]
        connection.execute("drop table if exists pg_temp.incoming")
        connection.execute(f"create temporary table incoming (like {table}) on commit drop")
        connection.execute("alter table incoming add seq bigint generated always as identity")
        if stream is Stream.KEYWORDS:
            connection.execute("alter table incoming add campaign_id text not null")
        copy_in(connection, "pg_temp.incoming", columns, (row(r, place, done.notes) for r in records))
        if stream is Stream.AD_GROUPS:
            connection.execute(read_sql("ads/missing_campaigns.sql"))
        elif stream is Stream.KEYWORDS:
            connection.execute(read_sql("ads/missing_ad_groups.sql"))

    def _write_entities(self, connection: Connection, stream: Stream) -> tuple[int, int]:
        counts = connection.execute(read_sql(f"ads/write_{stream.value}.sql")).fetchone()
        assert counts is not None  # an aggregate gives one row
        return counts["inserted"], counts["updated"]

    def _facts(self, connection: Connection, manifest: Manifest, values: dict[str, Any], done: Merged) -> None:
        level = LEVELS[manifest.stream]
        place = self._place(manifest, values)
        connection.execute(read_sql("ads/window_days.sql"), values)
        connection.execute(read_sql("ads/incoming_facts.sql"))
        copy_in(
            connection,
            "pg_temp.incoming",
            normalise.FACT_COLUMNS,
            (
                (
                    normalise.entity_of(f, manifest.stream, place),
                    f.day,
                    f.impressions,
                    f.clicks,
                    f.spend,
                    f.conversions,
                    f.conversions_value,
                )
                for f in self._of_days(manifest, done)
            ),
        )
        connection.execute("analyze incoming")
        self._list_unlisted(connection, manifest, level, values, done)
        if manifest.stream is Stream.CAMPAIGN_DAYS and self.ledger:
            done.restated = connection.execute(read_sql("ads/restate.sql"), values).rowcount
        names = {"facts": level.facts, "key": level.key}
        done.deleted = connection.execute(_of(read_sql("ads/delete_facts.sql"), **names), values).rowcount
        counts = connection.execute(_of(read_sql("ads/write_facts.sql"), **names), values).fetchone()
        assert counts is not None  # an aggregate gives one row
        done.inserted, done.updated = counts["inserted"], counts["updated"]

    def _of_days(self, manifest: Manifest, done: Merged) -> Iterator[Fact]:
        """The slice's facts that are worth something, all of the days that were asked for."""
        days = manifest.days
        assert days is not None
        for fact in self._counted(manifest, done):
            assert isinstance(fact, Fact)
            if not days.since <= fact.day <= days.until:
                raise MalformedPageError(f"{manifest.stream.value}: {fact.day} was not asked for")
            if not normalise.is_nothing(fact):
                yield fact

    def _counted(self, manifest: Manifest, done: Merged) -> Iterator[Record]:
        done.rows = 0
        for record in self.records(manifest, done.notes):
            done.rows += 1
            yield record

    def _list_unlisted(
        self, connection: Connection, manifest: Manifest, level: Level, values: dict[str, Any], done: Merged
    ) -> None:
        """Write down entities that have facts and are on no list: a platform may list no deleted ones.

        Their facts tell of them, in a second reading that hardly any slice needs.
        """
        found = connection.execute(_of(read_sql("ads/unlisted.sql"), entities=level.entities), values).fetchall()
        if not found:
            return
        wanted = {row["entity_id"] for row in found}
        place = self._place(manifest, values)
        gone = self._was_listed(connection, manifest, level)
        unlisted: dict[str, Any] = {}
        for fact in self._of_days(manifest, Merged()):
            entity = normalise.entity_of(fact, manifest.stream, place)
            if entity in wanted:
                unlisted[entity] = fact
        connection.execute("alter table incoming rename to facts_incoming")
        entities = (normalise.unlisted(fact, manifest.stream, gone=gone) for fact in unlisted.values())
        self._copy_entities(connection, level.listed, place, entities, done)
        self._write_entities(connection, level.listed)
        connection.execute("drop table pg_temp.incoming")
        connection.execute("alter table facts_incoming rename to incoming")
        done.unlisted = len(unlisted)

    def _was_listed(self, connection: Connection, manifest: Manifest, level: Level) -> bool:
        """Whether this run has merged the whole list, so that what is not on it is gone."""
        found = connection.execute(
            "select run_id::text as run_id from ads.sync_state where connection_id = %s and stream = %s",
            (manifest.connection_id, level.listed.value),
        ).fetchone()
        return found is not None and found["run_id"] == manifest.run_id

    def _is_superseded(self, connection: Connection, values: dict[str, Any]) -> bool:
        found = connection.execute(
            "select 1 from ads.sync_state"
            " where connection_id = %(connection_id)s and stream = %(stream)s and observed_at > %(observed_at)s",
            values,
        ).fetchone()
        return found is not None

    def _place(self, manifest: Manifest, values: dict[str, Any]) -> Place:
        return Place(
            manifest.org_id,
            manifest.platform,
            manifest.account_id,
            manifest.currency,
            manifest.run_id,
            manifest.observed_at,
            values["now"],
        )


def _of(sql: str, **names: str) -> str:
    """The statement of one level: its tables and columns, which come from LEVELS alone, put in."""
    return sql.format(**names)

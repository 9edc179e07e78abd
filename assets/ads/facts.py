"""Writing the facts of a slice: daily numbers of one level, and the conversions by action that belong to them.

A report's row is a part of an entity's day: parts add up, and a part that came twice counts once. A day that a report
no longer names is worth nothing only where the report names the entity otherwise, or the platform still lists it,
because reports leave out what was deleted. What does not belong here: entities (entities.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from assets.ads import entities, normalise
from assets.ads.entities import ENTITIES
from assets.ads.slices import Slice
from resources.ad_platforms import AccountDays, Conversion, Fact, Level, MalformedPageError, Notes, Stream
from resources.postgres import copy_in
from resources.sql_files import read_sql

LEVELS = {
    Level.CAMPAIGN: {"facts": "ads.campaign_metrics_daily", "key": "campaign_id"},
    Level.AD_GROUP: {"facts": "ads.ad_group_metrics_daily", "key": "ad_group_id"},
    Level.AD: {"facts": "ads.ad_metrics_daily", "key": "ad_id"},
    Level.KEYWORD: {"facts": "ads.keyword_metrics_daily", "key": "keyword_id"},
}
"""The table of a level's facts and its key column."""


@dataclass
class Seen:
    """What the rows of a report need: to be settled, as some are parts or zero; to be read for their conversions."""

    parts: bool = False
    conversions: bool = False


def merge(slice_: Slice, *, restatements: bool) -> None:
    """Replace the slice's days of its level. restatements: record how final days changed."""
    level, result = slice_.manifest.stream.level, slice_.result
    names = LEVELS[level]
    slice_.execute("window_days")
    seen = _load(slice_)
    is_listed = slice_.lists_merged(ENTITIES[level].lists)
    slice_.execute("absent", {"is_listed": is_listed}, **names)
    if not is_listed:
        result.doubtful = slice_.execute("doubtful_days")
    _list_unlisted(slice_, level, is_listed=is_listed)
    _write_conversions(slice_, seen)
    if slice_.manifest.actions:
        slice_.execute("count_incoming")
    if slice_.manifest.stream is Stream.CAMPAIGN_DAYS and restatements:
        result.restated = slice_.execute("restate")
    result.deleted += slice_.execute("delete_facts", **names)
    result.wrote(slice_.written(read_sql("ads/write_facts.sql").format(**names)))


def recount(slice_: Slice) -> None:
    """Count the stored conversions of an account again where others of its actions count now than before."""
    if slice_.execute("mark_counting") == 0:
        return
    # Whole tables are joined, which a nested loop does in the square of their rows. It is chosen where a table has no
    # statistics yet, as after the first load: 60,000 conversions took ten seconds in the place of half a one.
    slice_.connection.execute("set local enable_nestloop = off")
    slice_.execute("count_conversions", {"level": None})
    for level, names in LEVELS.items():
        slice_.execute("recount_facts", {"level": level.value}, **names)


def _load(slice_: Slice) -> Seen:
    """Load the facts into the temporary table `incoming`: one row an entity's day, none of them zero."""
    seen = Seen()
    slice_.execute("incoming_facts")
    copy_in(slice_.connection, "pg_temp.incoming", normalise.FACT_COLUMNS, _facts(slice_, seen))
    if seen.parts:
        slice_.execute("settle_facts")
        slice_.connection.execute("drop table pg_temp.incoming")
        slice_.connection.execute("alter table pg_temp.settled rename to incoming")
    slice_.execute("said_zero")
    # The columns that are joined by: those of all nine took a fifth of the server's time.
    slice_.connection.execute("analyze incoming (entity_id, date)")
    return seen


def _facts(slice_: Slice, seen: Seen) -> Iterator[tuple[object, ...]]:
    """The facts as rows of `incoming`. It is one loop, because each layer of generators costs once a row."""
    context, level, days = slice_.context, slice_.manifest.stream.level, slice_.manifest.days
    for record in slice_.counted():
        if isinstance(record, Conversion):
            seen.conversions = True
            continue
        assert isinstance(record, Fact)
        _refuse_other(record.day, days)
        if record.segments or normalise.is_nothing(record):
            seen.parts = True
        yield (
            normalise.entity_of(record, level, context),
            record.day,
            record.impressions,
            record.clicks,
            record.spend,
            record.conversions,
            record.conversions_value,
            normalise.segments(record),
        )


def _refuse_other(day: date, days: AccountDays | None) -> None:
    assert days is not None  # it is a report
    if not days.since <= day <= days.until:
        raise MalformedPageError(f"{day} was not asked for")


def _write_conversions(slice_: Slice, seen: Seen) -> None:
    slice_.execute("incoming_conversions")
    if seen.conversions:
        # Read a second time, because one COPY fills one table. Most pages are facts alone, or few.
        copy_in(slice_.connection, "pg_temp.incoming_conversions", normalise.CONVERSION_COLUMNS, _conversions(slice_))
    slice_.result.deleted += slice_.execute("delete_conversions")
    slice_.result.wrote(slice_.written(read_sql("ads/write_conversions.sql")))
    slice_.execute("count_conversions")


def _conversions(slice_: Slice) -> Iterator[tuple[object, ...]]:
    days = slice_.manifest.days
    for record in slice_.records(Notes()):
        if isinstance(record, Conversion):
            _refuse_other(record.day, days)
            yield (
                normalise.entity_of(record, slice_.manifest.stream.level, slice_.context),
                record.day,
                record.action,
                record.window,
                record.label,
                record.count,
                record.value,
                normalise.segments(record),
            )


def _list_unlisted(slice_: Slice, level: Level, *, is_listed: bool) -> None:
    """Insert the entities that have facts and are on no list: they are new, or the platform lists no deleted ones.

    They are described by their latest facts, which are read a second time; few slices need it.
    """
    statement = read_sql("ads/unlisted.sql").format(entities=ENTITIES[level].table)
    values = {**slice_.parameters, "is_listed": is_listed, "list": ENTITIES[level].lists[-1].value}
    wanted = {row["entity_id"] for row in slice_.connection.execute(statement, values)}
    if not wanted:
        return
    latest: dict[str, Fact] = {}
    for record in slice_.records(Notes()):
        if isinstance(record, Fact):
            entity = normalise.entity_of(record, level, slice_.context)
            if entity in wanted and (entity not in latest or latest[entity].day <= record.day):
                latest[entity] = record
    today = slice_.today
    assert today is not None  # a daily slice has its account's time zone
    # One of today may be newer than the list.
    records = (normalise.unlisted(fact, level, gone=is_listed and fact.day < today) for fact in latest.values())
    entities.insert(slice_, level, records)
    slice_.result.unlisted = len(latest)

"""Writing the entities of a slice: campaigns, ad groups, ads, keywords, from a list or as their facts describe them.

What does not belong here: facts (facts.py).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from assets.ads import normalise
from assets.ads.normalise import FIXED_COLUMNS, AccountContext
from assets.ads.slices import Slice
from resources.ad_platforms import Level, Notes, Stream
from resources.postgres import copy_in
from resources.sql_files import read_sql


@dataclass(frozen=True)
class EntityTable:
    """The table of a level's entities.

    columns: those that are loaded. row: how a record becomes a row of them, and `campaign_id` after them where the
    level has a `grandparent`. lists: the lists that name the entities and all that they are part of, their own last.
    parents: the statement that inserts parents which no list has shown.
    """

    table: str
    columns: tuple[str, ...]
    row: Callable[[Any, AccountContext, Notes], tuple[Any, ...]]
    lists: tuple[Stream, ...]
    parents: str = ""
    grandparent: bool = False


ENTITIES = {
    Level.CAMPAIGN: EntityTable("ads.campaigns", normalise.CAMPAIGN_COLUMNS, normalise.campaign, (Stream.CAMPAIGNS,)),
    Level.AD_GROUP: EntityTable(
        "ads.ad_groups",
        normalise.AD_GROUP_COLUMNS,
        normalise.ad_group,
        (Stream.CAMPAIGNS, Stream.AD_GROUPS),
        "missing_campaigns",
    ),
    Level.AD: EntityTable(
        "ads.ads",
        normalise.AD_COLUMNS,
        normalise.ad,
        (Stream.CAMPAIGNS, Stream.AD_GROUPS, Stream.ADS),
        "missing_ad_groups",
        grandparent=True,
    ),
    Level.KEYWORD: EntityTable(
        "ads.keywords",
        normalise.KEYWORD_COLUMNS,
        normalise.keyword,
        (Stream.CAMPAIGNS, Stream.AD_GROUPS, Stream.KEYWORDS),
        "missing_ad_groups",
        grandparent=True,
    ),
}


def merge(slice_: Slice) -> None:
    """Write a list: what is on it as it is there, what is not on it as deleted."""
    result, level = slice_.result, slice_.manifest.stream.level
    result.superseded = slice_.is_superseded()
    if result.superseded:
        return
    _load(slice_, level, slice_.counted())
    result.wrote(_write(slice_, level))
    result.deleted = slice_.execute("vanish", entities=ENTITIES[level].table)


def insert(slice_: Slice, level: Level, records: Iterable[Any]) -> None:
    """Write entities that are on no list, as far as their facts describe them."""
    _load(slice_, level, records)
    _write(slice_, level)
    slice_.connection.execute("drop table pg_temp.listed")


def _load(slice_: Slice, level: Level, records: Iterable[Any]) -> None:
    """Load entities into the temporary table `listed`, and make the parents that are missing."""
    entities, connection = ENTITIES[level], slice_.connection
    columns, changes = entities.columns, "drop app, add seq bigint generated always as identity"
    if entities.grandparent:
        columns, changes = (*columns, "campaign_id"), f"{changes}, add campaign_id text not null"
    connection.execute(f"create temporary table listed (like {entities.table}) on commit drop")
    connection.execute(f"alter table pg_temp.listed {changes}")
    rows = (entities.row(record, slice_.context, slice_.result.notes) for record in records)
    copy_in(connection, "pg_temp.listed", columns, rows)
    if entities.parents:
        slice_.execute(entities.parents)


def _write(slice_: Slice, level: Level) -> tuple[int, int]:
    """Write the entities in `listed`; how many were inserted and updated."""
    entities = ENTITIES[level]
    changing = [column for column in entities.columns if column not in FIXED_COLUMNS]
    return slice_.written(
        read_sql("ads/write_entities.sql").format(
            entities=entities.table,
            columns=", ".join(entities.columns),
            stored=", ".join(f"stored.{column}" for column in changing),
            loaded=", ".join(f"l.{column}" for column in changing),
            assignments=", ".join(f"{column} = excluded.{column}" for column in changing),
        )
    )

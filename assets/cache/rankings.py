"""The statement of a family that is a ranking: cache/ranking.sql around the family's own, which counts by day."""

from assets.apps import CacheFamily
from resources.sql_files import read_sql


def statement(family: CacheFamily) -> str:
    """The SQL that yields a family's rows."""
    own, ranking = read_sql(family.statement), family.ranking
    if ranking is None:
        return own

    def fields(pattern: str, columns: tuple[str, ...] = ranking.figures) -> str:
        return ", ".join(pattern.format(column) for column in columns)

    return read_sql("cache/ranking.sql").format(
        counted=own,
        things=ranking.things,
        names=fields("{0}", ranking.names),
        first=ranking.figures[0],
        sums=fields(
            "coalesce(sum({0}) filter (where day >= start), 0) as {0},"
            " coalesce(sum({0}) filter (where day < start), 0) as previous_{0}"
        ),
        item=fields("'{0}', {0}", ranking.names) + ", " + fields("'{0}', trim_scale({0})"),
        item_before=fields("'{0}', trim_scale(previous_{0})"),
        totals=fields("'{0}', trim_scale(coalesce(sum({0}), 0))"),
        rest=fields("'{0}', trim_scale(coalesce(sum({0}) filter (where present and place > 50), 0))"),
        before=fields("'{0}', trim_scale(coalesce(sum(previous_{0}), 0))"),
    )

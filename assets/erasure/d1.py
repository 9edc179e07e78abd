"""Erasing in an app's D1: rows of people and of organisations, and what mentions them in rows of others.

Rows go before those that they refer to. What belongs here: this order. What does not: the logs of changes
(change_logs.py), which come after it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from assets.apps import App
from assets.apps.personal import Holding
from assets.erasure import d1_rows
from assets.erasure.d1_rows import LOGS, Ids
from assets.privacy.identity import Erased, Identity, within_of
from assets.privacy.nobody import nobody
from assets.privacy.places import in_d1
from assets.privacy.tombstones import Keys
from assets.rooms import Rooms
from assets.sealing.d1 import D1Fields
from assets.sealing.fields import Field
from assets.sealing.lookup import ids_of
from resources.d1 import D1, Statement
from resources.d1.names import quoted
from resources.d1.schema import TableShape
from resources.sql_files import read_sql


@dataclass(frozen=True)
class D1Eraser:
    """An `Eraser` over the rows of one D1."""

    app: App
    d1: D1
    keys: Keys
    place: str = "d1"

    def erase(self, identities: Sequence[Identity]) -> Erased:
        """See Eraser.erase. Full-text indexes are made again at the end, because they keep deleted words."""
        ids, within = d1_rows.ids_of(identities), within_of(identities)
        organisation = frozenset[str]().union(*(identity.organisation for identity in identities))
        tables = [(shape, entry) for shape, entry in d1_rows.tables_of(self.d1, self.app) if shape.name not in LOGS]
        rows = sum(self._blank(shape, entry, ids) for shape, entry in tables)
        for shape, entry in tables:
            if entry.erasure == "delete":
                rows += d1_rows.delete(
                    self.d1, shape, d1_rows.condition(entry.subjects, ids, entry.organisation, within)
                )
                rows += self._of_sealed_addresses(shape, entry, identities)
            rows += d1_rows.delete(self.d1, shape, d1_rows.of_organisation(entry, organisation))
        for index in self.app.search:
            name = quoted(index.name)
            self.d1.execute(f"insert into {name} ({name}) values ('rebuild')", idempotent=True)
        return Erased(self.place, rows=rows)

    def _of_sealed_addresses(self, shape: TableShape, entry: Holding, identities: Sequence[Identity]) -> int:
        """Delete rows whose id is an address that is sealed."""
        addresses = {text for one in identities for text in one.texts if "@" in text}
        within, named = within_of(identities), {place for _, place in entry.subjects}
        rows = 0
        for rule in entry.sealed:
            if rule.index and rule.column in named:
                field = Field("d1", shape.name, rule)
                found = {id_ for text in addresses for id_ in ids_of(D1Fields(self.d1), field, self.keys(), text)}
                where = f"cast({quoted(rule.row)} as text) in (select value from json_each(?1))"
                wanted = d1_rows.limited(where, [json.dumps(sorted(found))], entry.organisation, within)
                rows += d1_rows.delete(self.d1, shape, wanted)
        return rows

    def _blank(self, shape: TableShape, entry: Holding, ids: Ids) -> int:
        """Take people out of rows that are not theirs; how many rows there were."""
        before = self._mentioning(shape, entry, ids)
        if not before:
            return 0
        if entry.blanked_by:
            given = sorted({id_ for kind, _ in entry.mentions for id_ in ids.get(kind, ())})
            self.d1.execute(read_sql(entry.blanked_by), [json.dumps(given)], idempotent=True)
        for kind, column in entry.mentions:
            where = d1_rows.condition([(kind, column)], ids)
            if where is None:
                continue
            if column in shape.required and shape.parents:
                # The row that it must refer to goes, and nobody takes the place.
                d1_rows.delete(self.d1, shape, where)
                continue
            # Each person becomes another nobody, so that rows of two of them stay apart.
            for id_ in sorted(ids[kind]):
                other = nobody() if column in shape.required else None
                sql = f"update {quoted(shape.name)} set {quoted(column)} = ?1 where {in_d1(column)} = ?2"
                self.d1.batch([Statement(sql, [other, id_])], idempotent=True)
        return before

    def _mentioning(self, shape: TableShape, entry: Holding, ids: Ids) -> int:
        where = d1_rows.condition(entry.mentions, ids)
        if where is None:
            return 0
        sql = f"select count(*) as n from {quoted(shape.name)} where {where[0]}"
        return int(self.d1.query(sql, where[1])[0]["n"])


def eraser(rooms: Rooms, app: App) -> D1Eraser | None:
    """The Eraser of an app that has a D1."""
    return D1Eraser(app, rooms.d1(app), lambda: rooms.keyring) if app.d1_migrations is not None else None

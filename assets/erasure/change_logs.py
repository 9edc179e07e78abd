"""Erasing in the logs of an app's D1, into which triggers wrote the ids of deleted rows, and the space that these left.

A reader that comes later does not see the rows of an erased person, and does not need to: what is made of them is
erased by its own Eraser. The log of the backups is emptied as a whole where it names the person; the next backup is a
full one then. What does not belong here: the rows themselves (d1.py).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from assets.apps import App
from assets.backups.d1_log import LOG, NOTED
from assets.erasure import d1_rows
from assets.erasure.d1_rows import LOGS
from assets.privacy.identity import Erased, Identity, within_of
from assets.rooms import Clock, Rooms
from resources.d1 import D1
from resources.d1.names import balanced, quoted


@dataclass(frozen=True)
class ChangeLogEraser:
    """An `Eraser` over the logs of one D1."""

    app: App
    d1: D1
    clock: Clock
    place: str = "d1 change logs"

    def erase(self, identities: Sequence[Identity]) -> Erased:
        """See Eraser.erase."""
        ids, within = d1_rows.ids_of(identities), within_of(identities)
        rows = 0
        for shape, entry in d1_rows.tables_of(self.d1, self.app):
            if shape.name not in LOGS:
                continue
            if entry.subjects:
                rows += d1_rows.delete(
                    self.d1, shape, d1_rows.condition(entry.subjects, ids, entry.organisation, within)
                )
            elif shape.name in (LOG, NOTED) and self._names(shape.name, entry.traces.split(), identities):
                rows += self.d1.execute(f"delete from {quoted(shape.name)}", idempotent=True)
        kept = self.d1.scrub()
        return Erased(self.place, rows=rows, gone_by=(self.clock() + kept).date() if kept > timedelta(0) else None)

    def _names(self, table: str, columns: Sequence[str], identities: Sequence[Identity]) -> bool:
        texts = sorted({text for one in identities for text in (*one.organisation, *one.texts, *_ids(one))})
        found = balanced([f"instr(t.{quoted(column)}, wanted.value) > 0" for column in columns], "or")
        sql = (
            f"select 1 as one from {quoted(table)} as t, json_each(?1) as wanted "
            f"where wanted.value <> '' and ({found}) limit 1"
        )
        return bool(self.d1.query(sql, [json.dumps(texts)]))


def _ids(identity: Identity) -> set[str]:
    return {id_ for of_kind in identity.ids.values() for id_ in of_kind}


def eraser(rooms: Rooms, app: App) -> ChangeLogEraser | None:
    """The Eraser of an app that has a D1."""
    return ChangeLogEraser(app, rooms.d1(app), rooms.clock) if app.d1_migrations is not None else None

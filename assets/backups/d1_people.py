"""Whose rows of a built database come back: without people who were erased, or those of some owners alone.

What belongs here: finding these rows, and what refers to them. What does not: whose a row is (apps/*_personal.py), and
the database itself (d1_state.py).
"""

from collections.abc import Collection, Sequence

from assets.apps import App
from assets.apps.personal import Subject
from assets.backups.d1_references import references
from assets.backups.d1_sealed_ids import SealedIds
from assets.backups.d1_texts import replace_texts
from assets.backups.method import NotRestorableError
from assets.privacy.nobody import nobody
from assets.privacy.places import entry_of, in_d1
from assets.privacy.tombstones import Tombstones, organisation_places
from resources.d1.database import Row
from resources.d1.names import column_list, quoted
from resources.d1.schema import TableShape
from resources.d1.scratch import Scratch
from resources.keyring import Keyring


def leave_out_erased(scratch: Scratch, app: App, erased: Tombstones, keyring: Keyring) -> int:
    """Delete the rows of people who were erased, with what refers to them; how many rows of theirs there were, with the
    rows and texts of others that only mentioned them.

    Where a row of somebody else must refer to such a person, it refers to a nobody instead: a row with another id, in
    which everything personal is blank. A mention by an id alone, which refers to no row, becomes a nobody's too.

    Raises:
        NotRestorableError: the key of a sealed id is missing.
    """
    if not erased.hashes:
        return 0
    sealed = SealedIds(scratch, keyring)
    by_table = {name: _in_table(erased, app, name) for name in scratch.schema.tables}
    scratch.function("erased", 4, lambda table, *asked: int(_is_erased(by_table[table], *asked)))
    deleted = 0
    for table in scratch.schema.tables.values():
        subjects = [(kind, path) for kind, path in _tombstoned(app, table.name) if _column(path) in table.columns]
        tenant = next(map(in_d1, organisation_places(subjects)), "null")
        named = [(kind, in_d1(path)) for kind, path in subjects if erased.may_hold(kind)]
        entry = entry_of(app, "d1", table.name)
        if entry is not None:
            opened = [(kind, sealed.of(entry, path, table.columns)) for kind, path in subjects if erased.may_hold(kind)]
            named += [(kind, value) for kind, value in opened if value is not None]
        literal = "'" + table.name.replace("'", "''") + "'"
        conditions = [f"erased({literal}, '{kind}', {value}, {tenant})" for kind, value in named]
        if conditions:
            where = " or ".join(conditions)
            gone = quoted(f"gone {table.name}")
            scratch.execute(f"create temp table {gone} as select * from {quoted(table.name)} where {where}")
            deleted += scratch.execute(f"delete from {quoted(table.name)} where {where}")
    sealed.require_opened()
    if deleted:
        while any(_follow(scratch, app, table) for table in scratch.schema.tables.values()):
            pass
    mentioned = sum(_unmentioned(scratch, app, table, erased) for table in scratch.schema.tables.values())
    return deleted + mentioned + replace_texts(scratch, app, erased)


def _unmentioned(scratch: Scratch, app: App, table: TableShape, erased: Tombstones) -> int:
    """Take erased people out of columns that mention them in rows of others; how many rows there were."""
    entry, changed, name = entry_of(app, "d1", table.name), 0, quoted(table.name)
    for kind, path in entry.mentions if entry is not None else ():
        if not erased.may_hold(kind) or _column(path) not in table.columns:
            continue
        tenant = in_d1(entry.organisation) if entry is not None and entry.organisation else "null"
        mention = in_d1(path)
        for row in scratch.query(f"select distinct {mention} as id, {tenant} as tenant from {name}"):
            if _is_erased(_in_table(erased, app, table.name), kind, row["id"], row["tenant"]):
                # Each person becomes another nobody, so that rows of two of them stay apart.
                other = nobody() if path in table.required else None
                where = f"{mention} = ?2 and {tenant} is ?3"
                changed += scratch.execute(
                    f"update {name} set {quoted(path)} = ?1 where {where}", [other, row["id"], row["tenant"]]
                )
    return changed


def _in_table(erased: Tombstones, app: App, table: str) -> Tombstones:
    entry = entry_of(app, "d1", table)
    return erased if entry is None else erased.in_table("d1", entry.name)


def _is_erased(erased: Tombstones, kind: str, value: object, organisation: object) -> bool:
    return value is not None and erased.holds(kind, str(value), None if organisation is None else str(organisation))


def _column(path: str) -> str:
    return path.partition(".")[0]


def _tombstoned(app: App, table: str) -> tuple[Subject, ...]:
    holding = entry_of(app, "d1", table)
    return holding.tombstoned if holding else ()


def _subjects(app: App, table: str) -> tuple[Subject, ...]:
    holding = entry_of(app, "d1", table)
    return holding.subjects if holding else ()


def _follow(scratch: Scratch, app: App, table: TableShape) -> int:
    """Do to the rows of a table whose parent is gone what their reference says; how many there were."""
    changed = 0
    for parent, pairs, on_delete in references(scratch.query, scratch.schema.tables, table.name):
        name = quoted(table.name)
        filled = " and ".join(f"t.{quoted(child)} is not null" for child, _ in pairs)
        found = " and ".join(f"p.{quoted(above)} = t.{quoted(child)}" for child, above in pairs)
        orphans = f"from {name} as t where {filled} and not exists (select 1 from {quoted(parent)} as p where {found})"
        key = ", ".join(f"t.{quoted(column)}" for column in table.key)
        is_orphan = f"({column_list(table.key)}) in (select {key} {orphans})"
        emptied = next((child for child, _ in pairs if child not in table.required), None)
        if on_delete == "CASCADE":
            changed += scratch.execute(f"delete from {name} where {is_orphan}")
        elif emptied is not None:
            changed += scratch.execute(f"update {name} set {quoted(emptied)} = null where {is_orphan}")
        else:
            values = ", ".join(f"t.{quoted(child)} as {quoted(child)}" for child, _ in pairs)
            for row in scratch.query(f"select distinct {values} {orphans}"):
                changed += _refer_to_nobody(scratch, app, table, parent, pairs, row)
    return changed


def _refer_to_nobody(
    scratch: Scratch, app: App, table: TableShape, parent: str, pairs: Sequence[tuple[str, str]], row: Row
) -> int:
    """Put a nobody in the place of one who is gone. Rows that may not be without it go too if it was nobody's row."""
    here = " and ".join(f"{quoted(child)} = ?" for child, _ in pairs)
    there = " and ".join(f"{quoted(above)} = ?" for _, above in pairs)
    values = [row[child] for child, _ in pairs]
    gone = quoted(f"gone {parent}")
    known = scratch.query("select 1 as one from sqlite_temp_master where name = ?", [f"gone {parent}"])
    if not known or not scratch.query(f"select 1 as one from {gone} where {there}", values):
        return scratch.execute(f"delete from {quoted(table.name)} where {here}", values)
    shape = scratch.schema.tables[parent]
    other = nobody()
    ids = {above for value, (_, above) in zip(values, pairs, strict=True) if isinstance(value, str)}
    holding = entry_of(app, "d1", parent)
    personal = holding.columns - holding.impersonal_columns if holding else frozenset()
    selected = [
        "?1" if name in ids or (name in personal and name in shape.required)
        else "null" if name in personal
        else quoted(name)
        for name in shape.columns
    ]  # fmt: skip
    there = " and ".join(f"{quoted(above)} = ?{number}" for number, (_, above) in enumerate(pairs, start=2))
    scratch.execute(
        f"insert into {quoted(parent)} ({column_list(shape.columns)}) "
        f"select {', '.join(selected)} from {gone} where {there} and ?1 is not null",
        [other, *values],
    )
    renamed = ", ".join(f"{quoted(child)} = ?1" for child, above in pairs if above in ids)
    here = " and ".join(f"{quoted(child)} = ?{number}" for number, (child, _) in enumerate(pairs, start=2))
    if not renamed:
        return 1
    return scratch.execute(
        f"update {quoted(table.name)} set {renamed} where {here} and ?1 is not null", [other, *values]
    )


def keep_only(scratch: Scratch, app: App, owners: Collection[str]) -> None:
    """Delete all rows that are not of these people or organisations.

    Theirs are the rows that name one of them as a subject, or by a primary key that is a text, and all rows that refer
    to a row of theirs.

    Raises:
        NotRestorableError: nothing is of one of them.
    """
    for name in ("owners", "unknown"):
        scratch.execute(f"create temp table {name} (id primary key)")
        scratch.execute_many(f"insert or ignore into {name} values (?)", [[owner] for owner in owners])
    tables = scratch.schema.tables
    for table in tables.values():
        places = [in_d1(path) for _, path in _subjects(app, table.name) if path.partition(".")[0] in table.columns]
        if len(table.key) == 1 and not table.aliased and table.plain_key:
            places.append(quoted(table.key[0]))
        where = " or ".join(f"{place} in (select id from owners)" for place in places) or "false"
        kept = quoted(f"kept {table.name}")
        scratch.execute(f"create temp table {kept} ({column_list(table.key)}, primary key ({column_list(table.key)}))")
        scratch.execute(f"insert into {kept} select {column_list(table.key)} from {quoted(table.name)} where {where}")
        for place in places:
            scratch.execute(f"delete from unknown where id in (select {place} from {quoted(table.name)})")
    unknown = {row["id"] for row in scratch.query("select id from unknown")}
    if places_of := [str(n) for n, owner in enumerate(owners, start=1) if owner in unknown]:  # an id may be a person's
        raise NotRestorableError(
            f"no row is of the organisation or person named as number {', '.join(places_of)}",
            "see that their ids are right",
        )
    while any(_keep_children(scratch, table) for table in tables.values()):
        pass
    for table in tables.values():
        kept = f"select {column_list(table.key)} from {quoted(f'kept {table.name}')}"
        scratch.execute(f"delete from {quoted(table.name)} where ({column_list(table.key)}) not in ({kept})")


def _keep_children(scratch: Scratch, table: TableShape) -> int:
    """Keep the rows that refer to a kept row; how many more there were."""
    more = 0
    key = ", ".join(f"t.{quoted(column)}" for column in table.key)
    for parent, pairs, _ in references(scratch.query, scratch.schema.tables, table.name):
        above = scratch.schema.tables[parent]
        joined = " and ".join(f"p.{quoted(there)} = t.{quoted(here)}" for here, there in pairs)
        is_kept = " and ".join(f"k.{quoted(column)} = p.{quoted(column)}" for column in above.key)
        more += scratch.execute(
            f"insert or ignore into {quoted(f'kept {table.name}')} select {key} from {quoted(table.name)} as t "
            f"join {quoted(parent)} as p on {joined} join {quoted(f'kept {parent}')} as k on {is_kept}"
        )
    return more

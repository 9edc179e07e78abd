"""Texts of a built database that name people who were erased, in rows of others. Those rows stay, with another text.

What belongs here: finding and replacing such texts. What does not: which parts of a text may be an id
(privacy/erased_texts.py), and rows that are theirs or refer to them (d1_people.py).
"""

from assets.apps import App
from assets.privacy.erased_texts import NamedPeople
from assets.privacy.places import entry_of, in_d1
from assets.privacy.replacement import replacement
from assets.privacy.tombstones import Tombstones
from resources.d1.names import quoted
from resources.d1.scratch import Scratch


def replace_texts(scratch: Scratch, app: App, erased: Tombstones) -> int:
    """Put another text in place of each that names erased people, in the columns where people leave traces; how many
    values there were.
    """
    changed = 0
    for table in scratch.schema.tables.values():
        entry = entry_of(app, "d1", table.name)
        if entry is None or not (people := NamedPeople(erased.in_table("d1", entry.name))):
            continue
        name = quoted(table.name)
        tenant = in_d1(entry.organisation) if entry.organisation else "null"
        # A key is what rows of other tables refer to, and a sealed value is no text that names somebody.
        left_out = {*table.key, *(rule.into for rule in entry.sealed)}
        listed = {place.partition(".")[0] for place in (*entry.personal.split(), *entry.traces.split())}
        for column in sorted((listed & set(table.columns)) - left_out):
            texts = f"select distinct {quoted(column)} as text, {tenant} as tenant from {name}"
            for row in scratch.query(f"{texts} where typeof({quoted(column)}) = 'text'"):
                if people.are_in(row["text"], row["tenant"]):
                    changed += scratch.execute(
                        f"update {name} set {quoted(column)} = ?1 where {quoted(column)} = ?2 and {tenant} is ?3",
                        [replacement(row["text"]), row["text"], row["tenant"]],
                    )
    return changed

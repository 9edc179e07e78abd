"""Whose data each store holds, and what an erasure does to it: the form of the one registry of what is personal. Pure.

What belongs here: the form of an entry, and what follows from it. What does not: the entries themselves, which are in
the files `*_personal.py` beside this one, and the work of erasing.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, cast, get_args

from assets.apps.lifecycle import Store

Person = Literal["user", "visitor", "member", "invitee", "lead"]
"""user: who signs in to an application, or to a site that an application measures. visitor: who visits such a site.
member: who signs in and belongs to an organisation. invitee: who is invited to one. lead: who left an e-mail address,
and may become a user.
"""

Erasure = Literal["delete", "blank", "remake", "keep"]
"""delete: the row, line, object or key goes. blank: it stays, but the ids and the personal columns are emptied or
replaced. remake: it is made again from the data that remains. keep: it stays as it is.
"""

Subject = tuple[Person, str]
"""A kind of person, and the place of their id: a column, or `column.field` where the column holds JSON."""
ORGANISATION = "organisation"
"""Beside the kinds of people, the kind of a tombstone."""


@dataclass(frozen=True)
class Sealed:
    """A column of a table whose value is kept sealed, and what stays in its place. docs/sealing.md says how to read it.

    into: the column of the sealed value. column: where the application writes it in clear; empty where it is only ever
    written sealed. row: the column by which rows are named, to which the sealed value is bound. index: the column by
    which an e-mail address is found. binary: the sealed value is bytes; else it is base64.

    blank: what stays in the column: a text, null (None), or the row's own id where no two rows may have the same (ROW).
    fields: of a column of JSON, the fields that are sealed, together as one object; the others stay.
    """

    into: str
    column: str = ""
    row: str = "id"
    index: str = ""
    blank: str | None = None
    fields: tuple[str, ...] = ()
    binary: bool = False


ROW = "the row's id"


@dataclass(frozen=True)
class Unsealed:
    """Columns of `personal` that identify people and are not sealed all the same, and why."""

    columns: str
    reason: str


@dataclass(frozen=True)
class Holding:
    """What a table, an object prefix or a key family holds of people.

    store and name: as its Lifecycle has them. A copy that a restore made aside is as its table. doc: what a row, object
    or key is, in words for the person whose it is; empty where `App.tables` says it, and for what is nobody's.

    subjects: whose a row is, by an id in clear. hashed: the same, where the column holds a hash of organisation and id.
    mentions: ids of people in a row that is not theirs; an erasure empties or replaces them.

    The other columns are texts of names with spaces between. A field of JSON is `column.field`; it takes precedence
    over its column. An object has the columns `key` and `content`, a key of KV has `key` and `value`; fields of `key`
    are the parts of its name, fields of `content` those of its lines.

    personal: says something about a person. The UI lists it, previews leave it out.
    traces: is about something else, but can lead to a person: sealed and hashed copies, and texts, paths and object
    keys that may hold an id. A search for a person reads them too.
    impersonal: says nothing about a person by itself. It goes with a row that is deleted. `registry` fills it in.

    sealed: its columns whose values are kept sealed. unsealed: columns that cannot be.
    emails: columns of `personal` with an e-mail address, by which the person of a row is looked up. identifying: other
    columns of `personal` whose value names one person; a search looks for it. organisation: the place of the id or tag
    of the organisation whose the row is. one_person: all ids of a row are of one
    person, so that one leads to the others. blanked_by: SQL under sql/ that an erasure of D1 runs before it looks at
    `mentions`; ?1 is the JSON array of the ids.

    erasure: what happens to the rows of a person; in an entry without ids, to the rows in which a trace is found. A
    trace in somebody else's row is emptied, and the row stays. None where nothing is of a person.
    reason: why a row is kept, or what an erasure must know.
    """

    store: Store
    name: str
    subjects: tuple[Subject, ...] = ()
    hashed: tuple[Subject, ...] = ()
    mentions: tuple[Subject, ...] = ()
    personal: str = ""
    traces: str = ""
    impersonal: str = ""
    emails: str = ""
    identifying: str = ""
    organisation: str = ""
    one_person: bool = False
    blanked_by: str = ""
    erasure: Erasure | None = None
    reason: str = ""
    doc: str = ""
    sealed: tuple[Sealed, ...] = ()
    unsealed: tuple[Unsealed, ...] = ()

    def __post_init__(self) -> None:
        where = f"{self.store} {self.name}"
        names = [name for text in (self.personal, self.traces, self.impersonal) for name in text.split()]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{where}: {', '.join(twice)} is listed twice")
        unknown = sorted({person for person, _ in self._owners} - set(get_args(Person)))
        if unknown:
            raise ValueError(f"{where}: {', '.join(unknown)} is no kind of person")
        if bool(self._owners or self.personal or self.traces) != (self.erasure is not None):
            raise ValueError(f"{where}: an erasure is named exactly where something is of a person")
        if stray := sorted({*self.emails.split(), *self.identifying.split()} - set(self.personal.split())):
            raise ValueError(f"{where}: {', '.join(stray)} identifies and is not personal")
        if self.erasure == "keep" and not self.reason:
            raise ValueError(f"{where}: what is kept has a reason")
        in_clear = {name for rule in self.unsealed for name in rule.columns.split()}
        if wrong := sorted(
            (in_clear - set(self.personal.split())) | (in_clear & {rule.column for rule in self.sealed})
        ):
            raise ValueError(f"{where}: {', '.join(wrong)} is not personal, or is sealed")
        if not all(rule.reason for rule in self.unsealed):
            raise ValueError(f"{where}: what is not sealed has a reason")
        of_sealing = {name for rule in self.sealed for name in (rule.into, rule.column, rule.index) if name}
        of_people = {_column(name) for name in (*self.personal.split(), *self.traces.split(), *self._places)}
        if left_out := sorted(of_sealing - of_people):
            raise ValueError(f"{where}: {', '.join(left_out)} is sealed, so that it is personal or a trace")

    @property
    def columns(self) -> frozenset[str]:
        """The names of all columns, without those of JSON fields."""
        listed = f"{self.personal} {self.traces} {self.impersonal} {self.organisation}".split()
        return frozenset(_column(place) for place in (*listed, *self._places))

    @property
    def personal_columns(self) -> tuple[str, ...]:
        """The columns that say something about a person, by name."""
        return tuple(sorted({_column(place) for place in self.personal.split()}))

    @property
    def impersonal_columns(self) -> frozenset[str]:
        """The columns that say nothing about a person, by themselves or by a field of theirs."""
        return frozenset(self.impersonal.split()) - {
            _column(place) for place in f"{self.personal} {self.traces}".split()
        }

    @property
    def _places(self) -> tuple[str, ...]:
        return tuple(place for _, place in self._owners)

    @property
    def tombstoned(self) -> tuple[Subject, ...]:
        """By which ids a row stays away from all that brings rows back: those of its people, and its organisation's."""
        organisation = ((cast(Person, ORGANISATION), self.organisation),) if self.organisation else ()
        return (*self.subjects, *organisation)

    @property
    def _owners(self) -> tuple[Subject, ...]:
        return (*self.subjects, *self.hashed, *self.mentions)


def registry(*holdings: Holding, impersonal: Mapping[Store, str]) -> tuple[Holding, ...]:
    """These entries with their impersonal columns, and an entry for each further name, which holds nothing of people.

    impersonal: by store, lines of `name name: column column`; a line without a colon continues the one before.

    Raises:
        ValueError: a name is listed twice in a store.
    """
    columns: dict[tuple[Store, str], str] = {}
    for store, text in impersonal.items():
        for name, names_of_columns in _lines(text):
            if (store, name) in columns:
                raise ValueError(f"{store} {name} is listed twice")
            columns[store, name] = names_of_columns
    filled = [
        replace(entry, impersonal=f"{entry.impersonal} {columns.pop((entry.store, entry.name), '')}".strip())
        for entry in holdings
    ]
    return (*filled, *(Holding(store, name, impersonal=rest) for (store, name), rest in columns.items()))


def holding(holdings: Iterable[Holding], store: Store, name: str) -> Holding:
    """The entry of a table, prefix or key family.

    Raises:
        LookupError: there is none, so nobody knows what it holds.
    """
    for entry in holdings:
        if (entry.store, entry.name) == (store, name):
            return entry
    raise LookupError(f"{store} {name} is not in the registry of personal data; add it to assets/apps/*_personal.py")


def _lines(text: str) -> Iterator[tuple[str, str]]:
    names, columns = "", ""
    for line in text.splitlines():
        before, colon, after = line.strip().partition(": ")
        if not colon:
            columns += f" {before}"
            continue
        yield from ((name, columns) for name in names.split())
        names, columns = before, after
    yield from ((name, columns) for name in names.split())


def _column(place: str) -> str:
    return place.partition(".")[0]

"""Whom a request means: all ids of the person or organisation, found in the rows of every store.

What belongs here: from what was given to an Identity, or to a refusal in one sentence. What does not: which of several
ids are of one person (linked.py), reading rows (people.py).
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from assets.apps import App
from assets.apps.personal import Person
from assets.cache import keys
from assets.erasure import linked
from assets.erasure.archived_people import archived_of
from assets.erasure.linked import Ids
from assets.erasure.people import People, Row, organisation_names, tables_of
from assets.privacy.identity import Identity
from assets.privacy.tombstones import forms_of, within
from assets.rooms import Rooms
from assets.sealing.field_store import store_of
from assets.sealing.fields import Field
from assets.sealing.lookup import ids_of
from assets.sealing.opening import opened
from resources.declined import DeclinedError
from resources.keyring.addresses import normalised
from resources.kv.limits import MAX_KEY_BYTES

LONGEST = 320
"""Characters: the longest e-mail address; ids are shorter."""


class NotIdentifiedError(DeclinedError):
    """A request means nobody, or more than one. Nothing was touched."""


@dataclass(frozen=True)
class Asked:
    """What a request gives: an id or an e-mail address, the kind of person where it says so, or an organisation.

    organisation: the id or tag of the one whose person is meant, because other organisations may give the same id to
    others.
    """

    subject: str = field(repr=False)
    kind: Person | None = None
    is_organisation: bool = False
    organisation: str | None = field(default=None, repr=False)

    @property
    def tombstone(self) -> tuple[str, str]:
        """By what the request is known when its ids are dropped."""
        kind = "organisation" if self.is_organisation else self.kind or "given"
        return (kind, self.subject) if self.organisation is None else within(self.organisation, kind, self.subject)


def asked_in(row: Mapping[str, str | None]) -> Asked:
    """What a row of a table of requests gives: subject, kind, organisation.

    Raises:
        NotIdentifiedError: its kind is none of a person.
    """
    kind: Person | None = next((one for one in get_args(Person) if one == row["kind"]), None)
    if row["kind"] and kind is None:
        raise NotIdentifiedError("the request names a kind of person that there is not", "correct it")
    return Asked(row["subject"] or "", kind, organisation=row["organisation"])


@dataclass(frozen=True)
class _Everyone:
    """All tables whose rows are of people, and how sealed values of theirs are read. within: as of Identity."""

    rooms: Rooms
    app: App
    tables: Sequence[People]
    within: frozenset[str] = frozenset()

    def of_addresses(self, addresses: Collection[str], *, every: bool) -> Iterator[tuple[Person, str]]:
        """The ids of rows with one of these addresses (normalised ones); only those ids that are an address
        themselves, unless `every`.
        """
        for table in self.tables:
            emails = table.entry.emails.split()
            places = [(kind, place) for kind, place in table.entry.subjects if every or place in emails]
            # Whoever invites somebody is another person.
            own = [(kind, place) for kind, place in places if place in emails or table.entry.one_person] or places[:1]
            for row in self._addressed(table, emails, addresses) if emails and places else ():
                if any(row[name] and normalised(row[name]) in addresses for name in emails):
                    yield from ((kind, row[place]) for kind, place in own if row[place])

    def texts(self, ids: Mapping[Person, Collection[str]], which: Literal["emails", "identifying"]) -> set[str]:
        """What stands in the rows of a person in columns that name one."""
        found: set[str] = set()
        for table in self.tables:
            columns = getattr(table.entry, which).split()
            # Only of rows that are nobody else's too.
            if columns and (len(table.entry.subjects) == 1 or table.entry.one_person):
                rows = table.rows(ids, _with_sealed(table, columns))
                found |= {row[name] for row in map(self._opened(table), rows) for name in columns if row[name]}
        return found

    def _addressed(self, table: People, emails: Sequence[str], addresses: Collection[str]) -> Iterator[Row]:
        """The rows that may have one of these addresses."""
        rules = [rule for rule in table.entry.sealed if rule.index and rule.column in emails]
        if not rules:
            yield from table.addresses()
        for rule in rules:
            field = Field(table.entry.store, table.name, rule)
            store, keyring = store_of(self.rooms, self.app, field), self.rooms.keyring
            found = {row for address in addresses for row in ids_of(store, field, keyring, address)}
            rows = table.named(rule.row, found, _with_sealed(table, emails)) if found else []
            yield from map(self._opened(table), rows)

    def _opened(self, table: People) -> Callable[[Row], Row]:
        if not table.entry.sealed:
            return lambda row: row
        return lambda row: opened(table.entry, row, self.rooms.keyring)


def _with_sealed(table: People, columns: Sequence[str]) -> list[str]:
    """Columns, and what is needed to open those of them that are sealed."""
    rules = [rule for rule in table.entry.sealed if rule.column in columns]
    return [*columns, *(name for rule in rules for name in (rule.into, rule.row))]


@dataclass(frozen=True)
class Found:
    """Whom a request means. shared: anonymous ids that others use too, which are not theirs. rows: where it was found,
    in words.
    """

    identity: Identity
    shared: int = 0
    tables: tuple[str, ...] = ()


def identify(rooms: Rooms, app: App, asked: Asked, request: str) -> Found:
    """All ids of whom a request means.

    Raises:
        NotIdentifiedError: what was given is no id, nobody has it, or several people have.
    """
    _check(asked.subject)
    if asked.is_organisation:
        _refuse_organisation_of_itself(asked)
        return Found(Identity(request, app.name, {}, _organisation(rooms, app, asked.subject)))
    names = frozenset[str]() if asked.organisation is None else _organisation(rooms, app, asked.organisation)
    people = _Everyone(rooms, app, tables_of(rooms, app, names), names)
    start = _given(people, asked.subject, asked.kind)
    if not start:
        # Reading archives takes long, and who is in one is mostly live too.
        people = replace(people, tables=[*people.tables, *archived_of(rooms, app, names)])
        start = _given(people, asked.subject, asked.kind)
    if not start:
        of_kind = f"{asked.kind} " if asked.kind else ""
        of_it = "this organisation of " if names else ""
        raise NotIdentifiedError(
            f"nobody of {of_it}{app.name} has this {of_kind}id or address", "see that it is right, and that --app is"
        )
    _refuse_several(app, asked, people.tables, start)
    if not names:
        _refuse_tenants(app, people.tables, start)
    ids, shared = _grown(people, start)
    return Found(_identity(request, people, ids, asked), shared, tuple(_naming(people.tables, ids)))


def _organisation(rooms: Rooms, app: App, given: str) -> frozenset[str]:
    """The id and the tags of an organisation.

    Raises:
        NotIdentifiedError: none has this id or tag.
    """
    _check(given)
    if names := organisation_names(rooms, app, given):
        return names
    raise NotIdentifiedError(f"no organisation of {app.name} has this id or tag", "see that it is right")


def _refuse_organisation_of_itself(asked: Asked) -> None:
    if asked.organisation is not None:
        raise NotIdentifiedError(
            "an organisation is erased as a whole, and is no person of an organisation",
            "give --organisation alone, or --org and a person's id",
        )


def again(rooms: Rooms, app: App, before: Identity) -> Identity:
    """The same, with what came since it was identified."""
    if before.organisation:
        return before
    people = _Everyone(rooms, app, tables_of(rooms, app, before.within), before.within)
    ids, _ = _grown(people, before.ids)
    now = _identity(before.request, people, ids, None)
    return replace(now, texts=before.texts | now.texts, keys=before.keys | now.keys)


def _check(subject: str) -> None:
    if not subject.strip():
        raise NotIdentifiedError("no id is given", "give a user id or an e-mail address")
    if len(subject) > LONGEST or not subject.isprintable():
        raise NotIdentifiedError(
            f"what is given is no id: it is longer than {LONGEST} characters, or has some that cannot be seen",
            "give a user id or an e-mail address",
        )


def _given(people: "_Everyone", subject: str, kind: Person | None) -> Ids:
    """The ids that a text is, or leads to as an e-mail address."""
    kinds: Iterable[Person] = [kind] if kind else get_args(Person)
    if people.within:
        kinds = [one for one in kinds if one in _of_single_organisations(people.app)]
    found: Ids = {}
    for one in kinds:
        if any(table.rows({one: [subject]}) for table in people.tables):
            found[one] = {subject}
    if "@" in subject:
        for one, id_ in people.of_addresses({normalised(subject)}, every=True):
            if one in kinds:
                found.setdefault(one, set()).add(id_)
    return found


def _grown(people: "_Everyone", start: Mapping[Person, Collection[str]]) -> tuple[Ids, int]:
    """All ids that belong to some, also through an address that stands in a row of theirs."""
    ids, shared = linked.grown(start, lambda wanted: _rows(people.tables, wanted))
    addresses = {normalised(text) for text in people.texts(ids, "emails")}
    for kind, id_ in people.of_addresses(addresses, every=False) if addresses else ():
        ids.setdefault(kind, set()).add(id_)
    return ids, shared


def _rows(tables: Sequence[People], wanted: Mapping[Person, Collection[str]]) -> Iterator[linked.Row]:
    for table in tables:
        if table.entry.one_person:
            for row in table.rows(wanted):
                yield tuple((kind, row[place]) for kind, place in table.entry.subjects if row[place])


def _refuse_several(app: App, asked: Asked, tables: Sequence[People], start: Ids) -> None:
    """Refuse an id that people of different kinds have, where no row says that they are one."""
    if "@" in asked.subject or len(start) < 2:
        return
    first = next(iter(start))
    reached, _ = linked.grown({first: start[first]}, lambda wanted: _rows(tables, wanted))
    if any(not start[kind] <= reached.get(kind, set()) for kind in start):
        kinds = " and ".join(sorted(start))
        raise NotIdentifiedError(f"a {kinds} of {app.name} have this id", "say which of them by --kind")


def _of_single_organisations(app: App) -> frozenset[Person]:
    """The kinds of people each of whose rows says whose organisation's it is."""
    people = {kind for entry in app.holdings if entry.organisation for kind, _ in entry.subjects}
    return frozenset(people - {kind for entry in app.personal if not entry.organisation for kind, _ in entry.subjects})


def _refuse_tenants(app: App, tables: Sequence[People], start: Ids) -> None:
    """Refuse an id that rows of several organisations have: each of them gives its own ids to its people."""
    for table in tables:
        if table.entry.one_person and table.entry.organisation:
            found = {row[table.entry.organisation] for row in table.rows(start, [table.entry.organisation])}
            if len(found) > 1:
                raise NotIdentifiedError(
                    f"people of {len(found)} organisations of {app.name} have this id, and the request names none",
                    "say whose it is by --org, with the organisation's id or tag",
                )


def _identity(request: str, people: _Everyone, ids: Ids, asked: Asked | None) -> Identity:
    texts = people.texts(ids, "emails") | people.texts(ids, "identifying")
    texts |= {normalised(text) for text in texts if "@" in text}
    if asked is not None and "@" in asked.subject:
        texts |= {asked.subject, normalised(asked.subject)}
    return Identity(
        request,
        people.app.name,
        {kind: frozenset(of_kind) for kind, of_kind in ids.items()},
        texts=frozenset(texts),
        keys=frozenset(_keys(people.app, people.tables, ids)),
        within=people.within,
        elsewhere=frozenset(_elsewhere(people, ids)),
    )


def _elsewhere(people: _Everyone, ids: Mapping[Person, Collection[str]]) -> Iterator[str]:
    """Of the ids of a person of one organisation, those that rows of others have too; addresses in any case, because
    others may have written one in another form.
    """
    for id_ in {id_ for of_kind in ids.values() for id_ in of_kind if people.within and "@" in id_}:
        yield from forms_of(id_)
    for table in tables_of(people.rooms, people.app) if people.within else ():
        of = table.entry.organisation
        for row in table.rows(ids, [of] if of else []):
            if not of or row[of] not in people.within:
                yield from (
                    row[place] for kind, place in table.entry.subjects if row.get(place) in set(ids.get(kind, ()))
                )


def _keys(app: App, tables: Sequence[People], ids: Mapping[Person, Collection[str]]) -> Iterator[str]:
    """The keys of KV that the application makes of rows of a person."""
    templates = {aside.table: aside.keys for aside in app.cache_aside}
    for table in tables:
        for template in templates.get(table.name, ()):
            fields = keys.fields(template)
            for row in table.rows(ids, fields):
                if all(row[field] is not None for field in fields):
                    key = keys.filled(template, row)
                    if len(key) <= MAX_KEY_BYTES:
                        yield key


def _naming(tables: Sequence[People], ids: Mapping[Person, Collection[str]]) -> Iterator[str]:
    """The tables in which some row is theirs."""
    return (table.name for table in tables if table.rows(ids))

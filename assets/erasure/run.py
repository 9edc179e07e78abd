"""Carrying out the due requests of an app, all of them together: so that several people share the rewrite of a file.

The order: whom they mean now, tombstones, each store and a note of it, the search over every store, the receipt, the
end. A run that is killed is gone on with: stores that are noted are passed over. Where the search finds something, the
requests failed, and the next run begins with the first store again. What does not belong here: a store (the Erasers).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from assets.apps import App
from assets.backups import noted
from assets.backups.covered import target_of
from assets.backups.erased import KEY_SET
from assets.erasure import hashed, receipt
from assets.erasure.exemptions import Exemption, exempted
from assets.erasure.identify import again
from assets.erasure.request import BEGUN, Request
from assets.erasure.requests import Requests, again_by, lock_of, shows
from assets.erasure.steps import erasers
from assets.privacy import tombstones
from assets.privacy.identity import Erased, Eraser, Identity
from assets.rooms import Rooms
from assets.search.tenants import tenants
from resources.counts import listed
from resources.declined import DeclinedError
from resources.keyring import SealError
from resources.redaction import HiddenError


class Hit(Protocol):
    """Where a search found a person. kept: why it stays there; empty where it must not be there."""

    @property
    def request(self) -> str: ...
    @property
    def place(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def count(self) -> int: ...
    @property
    def kept(self) -> str: ...


Search = Callable[[Rooms, App, Sequence[Identity]], Sequence[Hit]]


People = Sequence[tuple[Request, Identity]]
"""Who is erased, and by which request."""


SEALED = "whom it means does not open with this key set"
NAMED = 8  # requests of a sentence


class HeldUpError(DeclinedError):
    """A store failed, or the key of a request is missing. What was done is noted, and the next run goes on there."""

    retryable = True


class NotErasedError(DeclinedError):
    """The search found somebody who was to be erased. The next run goes through all stores again."""

    retryable = True


@dataclass
class Outcome:
    """What a run did: the requests that ended, and those of which something was found, with where."""

    done: list[Request] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Erasure:
    """The engine over the stores of one app.

    kept_backups: as of Site. further: Erasers of stores that no room opens.
    """

    rooms: Rooms
    app: App
    search: Search
    kept_backups: tuple[int, int, int]
    further: Sequence[Eraser] = ()

    @property
    def requests(self) -> Requests:
        """The requests of the app."""
        return Requests.of(self.rooms, self.app)

    def plan(self) -> list[str]:
        """The stores in their order."""
        return [eraser.place for eraser in (*erasers(self.rooms, self.app), *self.further)]

    def due(self, now: datetime, *, at_once: Sequence[str] = ()) -> list[Request]:
        """Requests that are to be carried out: those begun, and those that waited long enough or are named."""
        return [
            request
            for request in self.requests.all()
            if request.state in BEGUN
            or (
                request.state == "waiting"
                and (request.id in at_once or (request.waits_until is not None and request.waits_until <= now))
            )
        ]

    def run(self, *, at_once: Sequence[str] = ()) -> Outcome:
        """Carry out what is due. at_once: requests that wait no longer.

        Raises:
            HeldUpError: a store failed.
            NotErasedError: the search found somebody.
        """
        with self.rooms.postgres.lock(lock_of(self.app)):
            people, sealed = list[tuple[Request, Identity]](), list[Request]()
            for request in self.due(self.rooms.clock(), at_once=at_once):
                try:
                    people.append(self._begun(request))
                except SealError:
                    sealed.append(request)
            outcome = Outcome()
            if people:
                self._go_through(people)
                outcome = self._proved(people)
            # At the end, because a key that is missing holds nobody else up.
            self._require_opened(sealed)
            return outcome

    def _require_opened(self, sealed: Sequence[Request]) -> None:
        for request in sealed:
            self.requests.move(request, (request.state,), request.state, self.rooms.clock(), why=SEALED)
        if sealed:
            raise HeldUpError(
                f"of {self.app.name}, {listed([request.id for request in sealed], NAMED)}: {SEALED}", KEY_SET
            )

    def _begun(self, request: Request) -> tuple[Request, Identity]:
        """Whom a request means now. From here on no ingest, replay or restore brings them back."""
        identity = again(self.rooms, self.app, self.requests.identity(request))
        subjects = tombstones.subjects_of(identity)
        every = [*subjects, *hashed.subjects_of(self.app, identity, tenants(self.rooms, self.app))]
        now = self.rooms.clock()
        with self.rooms.postgres.connection() as connection:
            if tombstones.add(connection, self.app.name, every, now, lambda: self.rooms.keyring):
                # Before the end of the transaction, so that no tombstone of our Postgres is without a note.
                noted.note(target_of(self.rooms), self.app.name, now, every)
            self.requests.leave(connection, request, subjects)
        before = ("waiting", *BEGUN)
        return self.requests.move(request, before, "running", now, identity=identity), identity

    def _go_through(self, people: People) -> None:
        done = {request.id: self.requests.steps(request).keys() for request, _ in people}
        groups = [(group, self._erasers(group)) for group in _apart(people)]
        places = self.plan()
        for position, place in enumerate(places, 1):
            self.rooms.progress("stores erased")(position - 1, len(places))
            for group, of_group in groups:
                waiting = [(request, identity) for request, identity in group if place not in done[request.id]]
                if waiting:
                    erased = self._erased(of_group[position - 1], waiting, people)
                    self.requests.record([request for request, _ in waiting], position, erased, self.rooms.clock())
        self.rooms.progress("stores erased")(len(places), len(places))

    def _erasers(self, group: People) -> list[Eraser]:
        """The stores in their order, as they are for people of a group."""
        return [*erasers(self.rooms, self._app(group)), *self.further]

    def _app(self, group: People) -> App:
        return exempted(self.app, group[0][0].leaves)

    def _erased(self, eraser: Eraser, group: People, people: People) -> Erased:
        try:
            return eraser.erase(_identities(group))
        except Exception as error:  # noqa: BLE001 (an error of any store holds the requests up)
            why = error.reason if isinstance(error, DeclinedError) else type(error).__name__
            self._note(people, f"{eraser.place}: {why}")
            raise HeldUpError(
                f"{eraser.place} of {self.app.name} failed: {why}",
                f"{again_by(self.app)} goes on with it; {shows(self.app)}",
            ) from (None if isinstance(error, DeclinedError) else _without_words(error))

    def _note(self, people: People, why: str) -> None:
        for request, _ in people:
            self.requests.move(request, BEGUN, "running", self.rooms.clock(), why=why)

    def _proved(self, people: People) -> Outcome:
        for request, _ in people:
            self.requests.move(request, ("running",), "verifying", self.rooms.clock())
        hits = [
            hit for group in _apart(people) for hit in self.search(self.rooms, self._app(group), _identities(group))
        ]
        again = self._found_again(people)
        outcome = Outcome()
        for request, identity in people:
            left = {f"{hit.place} {hit.name}" for hit in hits if hit.request == request.id and not hit.kept}
            left |= again.get(request.id, set())
            if left:
                where = ", ".join(sorted(left))
                self.requests.move(request, ("verifying",), "failed", self.rooms.clock(), why=f"found in {where}")
                self.requests.forget_steps(request)
                outcome.failed[request.id] = where
                continue
            kept = [hit for hit in hits if hit.request == request.id]
            now = self.rooms.clock()
            gone = receipt.backups_gone(now, self.kept_backups)
            key = receipt.put(self.rooms, self.app, self.requests, request, kept, together=len(people), backups=gone)
            outcome.done.append(self.requests.done(request, identity, key, now))
        return outcome

    def _found_again(self, people: People) -> dict[str, set[str]]:
        """By request, the stores in which a second erasure finds something.

        Where somebody of another organisation has the same id, the search over bytes cannot tell whose it is. Erasers
        can, by rows.
        """
        left: dict[str, set[str]] = {}
        for group in _apart([(request, identity) for request, identity in people if identity.elsewhere]):
            for eraser in self._erasers(group):
                erased = self._erased(eraser, group, group)
                for request, _ in group if erased.rows or erased.objects else ():
                    left.setdefault(request.id, set()).add(eraser.place)
        return left


def _identities(people: People) -> list[Identity]:
    return [identity for _, identity in people]


def _apart(people: People) -> list[People]:
    """Those of no single organisation together, and those of each organisation, whose files hold nobody else; those of
    whom the same is left.
    """
    groups: dict[tuple[frozenset[str], Exemption | None], list[tuple[Request, Identity]]] = {}
    for request, identity in people:
        groups.setdefault((identity.within, request.leaves), []).append((request, identity))
    return list(groups.values())


def _without_words(error: Exception) -> HiddenError:
    """The type of an error and where it was raised: a store's own words may hold a value of the person."""
    return HiddenError(type(error).__name__).with_traceback(error.__traceback__)


def refuse_failed(app: App, outcome: Outcome) -> None:
    """Say where people were found.

    Raises:
        NotErasedError: some were.
    """
    if outcome.failed:
        found = "; ".join(f"request {id_}: {where}" for id_, where in outcome.failed.items())
        raise NotErasedError(
            f"people of {app.name} were found after their erasure: {found}",
            f"see who writes there, then {again_by(app)} goes through all stores once more",
        )

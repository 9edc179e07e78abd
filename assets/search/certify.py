"""The certificate of an erasure: a search for people in every store, which sees what it must see.

What belongs here: the order of the stores, and the certificate. What does not: reading a store.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from dagster import DagsterInstance

from assets.apps import App
from assets.privacy.identity import Identity, within_of
from assets.progress import reported
from assets.rooms import Rooms
from assets.search import canary, d1, history, keys, objects, postgres
from assets.search.look import Look
from assets.search.needles import Needles
from assets.search.seen import Hit
from assets.search.tenants import tenants


@dataclass(frozen=True)
class Certificate:
    """What a search found. hits: also those that stay for a reason. read: the bytes that were searched, by place."""

    hits: Sequence[Hit]
    read: Mapping[str, int]

    @property
    def remaining(self) -> list[Hit]:
        """The hits that must not be there."""
        return [hit for hit in self.hits if not hit.kept]


def search(
    rooms: Rooms, app: App, identities: Sequence[Identity], instance: DagsterInstance | None = None
) -> list[Hit]:
    """Where people of an app are named in any store, also where they stay for a reason. See Identity.within.

    instance: Dagster's; by default that of DAGSTER_HOME.

    Raises:
        BlindSearchError: the search did not find what lies in a store for certain.
    """
    return list(certify(rooms, app, identities, instance).hits)


def certify(
    rooms: Rooms, app: App, identities: Sequence[Identity], instance: DagsterInstance | None = None
) -> Certificate:
    """The search, with what it has read; see `search`."""
    instance = instance or DagsterInstance.get()
    within = within_of(identities)
    with canary.planted(rooms, app, instance) as planted:
        tags = tenants(rooms, app)
        needles = Needles(identities, tags & within if within else tags, [text for text, _ in planted.values()])
        look = Look(rooms, app, identities, needles)
        # Rows before files: what stays among the rows explains what the files show.
        steps: list[Callable[[], None]] = [
            lambda: postgres.search_postgres(look, rooms.postgres_of_login, postgres.PLACE, "postgres"),
            lambda: history.search_history(look, instance),
            lambda: objects.search_objects(look),
        ]
        if app.d1_migrations is not None:
            steps.append(lambda: d1.search_d1(look))
        if app.postgres_migrations is not None:
            own = rooms.app_postgres(app)
            steps.append(lambda: postgres.search_postgres(look, own, postgres.OWN_PLACE, "app_postgres"))
        if app.has_kv:
            steps.append(lambda: keys.search_keys(look))
        steps.append(lambda: postgres.search_server(look))
        for step in reported(steps, rooms.progress("stores searched")):
            step()
    hits = tuple(look.hits())
    blind = [place for place, (_, least) in planted.items() if look.canaries[place] < least]
    if blind:
        raise canary.BlindSearchError(sorted(blind))
    return Certificate(hits, dict(look.read))

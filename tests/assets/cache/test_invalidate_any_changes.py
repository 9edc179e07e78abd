"""Invalidation under any changes of Sesh's rows: no key that hangs on a changed row is left, and no other is gone."""

from hypothesis import given
from hypothesis import strategies as st

from assets.apps.sesh import APP as SESH
from resources.d1 import Param
from tests.assets.cache.any_changes import Shape, Step, leaves_just_what_hangs_on_nothing_changed, steps
from tests.assets.cache.cache_aside_stores import CacheAsideStores
from tests.examples import examples
from tests.sql.sesh.database import KEYS, inserted, last_id

OWNERS = {"products": "strainId", "inventory": "userId", "medical_symptoms": "userId", "journal_entries": "userId"}


def owned(table: str, owner: int) -> dict[str, Param]:
    if table == "users":
        # A user with another's e-mail pushes that one out.
        return {"email": f"r{owner}@sesh.example"}
    return {OWNERS[table]: f"r{owner}"} if table in OWNERS else {}


SHAPE = Shape(
    app=SESH,
    keys=KEYS,
    touched="updatedAt",
    inserted=inserted,
    field=lambda _, number: f"r{number}",
    owned=owned,
    # What no other row refers to may take another id.
    renamed=frozenset({"products", "dispensaries", "inventory", "medical_symptoms", "journal_entries"}),
    replaced=frozenset(KEYS),
)


@examples(30, 300)
@given(made=steps(SHAPE), page=st.integers(1, 4))
def test_no_dependent_key_is_left_and_no_other_is_gone(
    cache_aside_stores: CacheAsideStores, made: list[Step], page: int
) -> None:
    others = {"strains:list", "strain:r0", "user:r0:preferences"}
    leaves_just_what_hangs_on_nothing_changed(SHAPE, cache_aside_stores, made, page, others)
    assert cache_aside_stores.place() == last_id(cache_aside_stores.d1)

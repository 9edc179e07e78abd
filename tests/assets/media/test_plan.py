"""What is marked: hypothesis over folders and ledgers, for what no listed example says."""

from collections.abc import Mapping
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from assets.media import naming, plan
from assets.media.plan import KnownImage
from tests.assets.media.media_stores import FOLDER, MEDIA


@dataclass(frozen=True)
class Object:
    """What a listing shows."""

    key: str
    size: int
    etag: str | None


NAMES = st.sampled_from(["", "-thumbnail", "a", "b", "a-thumbnail", "b-original", "-medium", "a-medium-thumbnail"])
KEYS = st.builds(lambda name, end: f"{FOLDER}{name}.{end}", NAMES, st.sampled_from(["jpg", "png", "mp4", "heic"]))
LISTED = st.dictionaries(KEYS, st.tuples(st.integers(0, 1), st.sampled_from("xyz")), max_size=8)


def followed(listed: Mapping[str, tuple[int, str]]) -> tuple[list[Object], dict[str, KnownImage]]:
    """A listing, and a ledger that has taken in its marks."""
    objects = [Object(key, *listed[key]) for key in sorted(listed)]
    marks = list(plan.marks(MEDIA, objects, {}))
    return objects, {m.key: KnownImage(m.key, m.etag, m.state, m.reason) for m in marks}


@given(LISTED)
def test_every_image_is_wanted_once_or_a_variant_of_one_and_nothing_else_is(
    listed: dict[str, tuple[int, str]],
) -> None:
    objects, known = followed(listed)
    assert list(plan.marks(MEDIA, objects, known)) == []
    for key in listed:
        of = naming.stem_of_variant(MEDIA, key)
        uploads = {naming.stem(k) for k in listed if naming.is_image(k) and naming.stem_of_variant(MEDIA, k) is None}
        assert (key in known) == (naming.is_image(key) and (of is None or of not in uploads))
    wanted = [naming.stem(row.key) for row in known.values() if row.reason is None]
    assert len(wanted) == len(set(wanted)), "an image id stands for one upload"


@given(LISTED, LISTED)
def test_of_two_listings_what_is_gone_is_marked_gone_and_what_is_new_is_wanted(
    first: dict[str, tuple[int, str]], then: dict[str, tuple[int, str]]
) -> None:
    _, known = followed(first)
    objects = [Object(key, *then[key]) for key in sorted(then)]
    found = {m.key: m for m in plan.marks(MEDIA, objects, known)}
    assert {key for key, m in found.items() if m.state == "gone"} == known.keys() - then.keys()
    assert all(found[key].etag == then[key][1] for key in found.keys() & then.keys())


def test_keys_that_are_no_user_s() -> None:
    for key in (
        "user-media/a.jpg",
        "user-media//sessions/s/a.jpg",
        "user-media/u/sessions//a.jpg",
        "quarantine/user-media/u/sessions/s/a.jpg",
        "strain-images/a.jpg",
    ):
        assert naming.folder_of(MEDIA, key) is None
    for folder in (FOLDER, "user-media/u/", "user-media/u/profile/", "user-media/u/journals/j/", "user-media/u/a/b/c/"):
        assert naming.folder_of(MEDIA, f"{folder}a.jpg") == folder

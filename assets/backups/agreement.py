"""What restored stores say of each other: each came back as of its own moment, and some repeat what others hold. Pure.

What was written between two such moments is in one store alone. What belongs here: which store repeats what of another,
and the command that makes it again.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from assets.apps import App

POSTGRES, LAKE, OBJECTS = "pipelines/postgres", "pipelines/lake", "pipelines/objects"
EVERYTHING = "clearlift run --no-sample"


@dataclass(frozen=True)
class Repetition:
    """What one store holds because of another. source: empty for what is in no backup. command: makes it again."""

    store: str
    source: str
    what: str
    command: str


def repetitions(apps: Iterable[App]) -> Iterator[Repetition]:
    """What the stores of apps repeat of each other, in the order in which it is made again."""
    apps = list(apps)
    for app in apps:
        d1 = f"{app.name}/d1"
        if app.audience is not None:
            yield Repetition(POSTGRES, LAKE, f"the ledger and the roll-ups of {app.title}'s events", EVERYTHING)
        if app.ad_accounts is not None:
            yield Repetition(POSTGRES, d1, f"the ad data of {app.title}'s connections", EVERYTHING)
        if app.media is not None:
            yield Repetition(OBJECTS, d1, f"the images of {app.title}'s rows", "clearlift job media --sweep")
        if any(entry.archive for entry in app.lifecycles):
            yield Repetition(POSTGRES, OBJECTS, f"the register of {app.title}'s archives", "clearlift archive list")
    for app in apps:
        if app.has_kv:
            yield Repetition(
                f"{app.name}/kv", "", f"{app.title}'s cached keys", f"clearlift cache rebuild --app {app.name}"
            )


def disagreements(reached: Mapping[str, datetime], apps: Iterable[App]) -> Iterator[str]:
    """A sentence for each pair of restored stores that came back as of different moments, and for each store that is
    in no backup, with the command that makes it agree.

    reached: the moment of each restored store, by its name.
    """
    for one in repetitions(apps):
        if not one.source:
            yield f"{one.store} is in no backup: {one.what}. Next: {one.command}"
        elif one.store in reached and one.source in reached and reached[one.store] != reached[one.source]:
            yield (
                f"{one.store} ({_said(reached[one.store])}) and {one.source} ({_said(reached[one.source])}) may differ "
                f"about {one.what}. Next: {one.command}"
            )


def _said(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"

"""The search through R2: names and contents of all objects, as they lie there and unpacked.

What belongs here: which objects are searched. What does not: their formats (layers.py).
"""

from assets.apps import APPS, App
from assets.lake_tables import lake_tables
from assets.search.look import Look

PLACE = "r2"
SHARED = ("archive/", "exports/", "search/")
SENT = "it came so, and is deleted by its age or with its owner; what of it unpacks names nobody"


def search_objects(look: Look) -> None:
    """Every object, but for backups, which are sealed and go by rotation, and what is another application's alone."""
    rooms = look.rooms
    sealed = f"{rooms.backup_prefix}/" if rooms.backup_store is rooms.object_store else None
    own, others = (
        _prefixes(look.app),
        {prefix for app in APPS if app.name != look.app.name for prefix in _prefixes(app)},
    )
    for info in rooms.object_store.list():
        if sealed is not None and info.key.startswith(sealed):
            continue
        prefix = max((p for p in own | others if info.key.startswith(p)), key=len, default="")
        if prefix in own or prefix not in others:
            _search(look, info.key, look.kept("r2", prefix), SENT if prefix in _sent(look.app) else "")


def _sent(app: App) -> set[str]:
    """The prefixes of what others send, which may be damaged before it comes."""
    media = {f"{app.media.root}/"} if app.media is not None else set()
    policies = (entry for entry in app.lifecycles if entry.store == "r2")
    return media | {p.name for p in policies if p.read_by is not None or p.name.startswith("quarantine/")}


def _search(look: Look, key: str, kept: str, damaged: str) -> None:
    look.name(PLACE, key, kept)
    with look.layers(PLACE, key, kept, damaged) as feed:
        for chunk in look.rooms.object_store.stream(key):
            feed(chunk)


def _prefixes(app: App) -> set[str]:
    """The prefixes of an app's objects. Those that apps share are divided by the app's name or its tables' folders."""
    named = {entry.name for entry in app.lifecycles if entry.store == "r2"}
    folders = {f"{table.spec.folder}/" for table in lake_tables(app)}
    return {f"{name}{app.name}/" if name in SHARED else name for name in named} | folders

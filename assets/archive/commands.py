"""The commands of the archive as messages name them. Pure."""

import re
from collections.abc import Iterable

from assets.archive.layout import PREFIX

KEY = re.compile(rf"{PREFIX}/(?P<app>[^/]+)/(?P<table>[^/]+)/(?P<quarter>\d{{4}}Q\d)/")


def command(action: str, app: str, table: str, *further: object) -> str:
    """A command about a table's archive, in backquotes: `clearlift archive run clearlift events 2026Q1`."""
    return f"`clearlift archive {' '.join(map(str, (action, app, table, *further)))}`"


def repairs(faults: Iterable[str]) -> str:
    """The commands that repair the objects which these lines name."""
    found = (KEY.search(fault) for fault in faults)
    return ", ".join(dict.fromkeys(command("repair", *match.groups()) for match in found if match))

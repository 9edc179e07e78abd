"""The commands of the archive as messages name them. Pure."""

import re
from collections.abc import Iterable

from assets.archive.layout import PREFIX
from assets.archive.quarters import Quarter

KEY = re.compile(rf"{PREFIX}/(?P<app>[^/]+)/(?P<table>[^/]+)/(?P<quarter>\d{{4}}Q\d)/")


def command(action: str, app: str, table: str, quarter: Quarter | str) -> str:
    """The command that does something with one quarter or several: `clearlift archive run clearlift events 2026Q1`."""
    return f"clearlift archive {action} {app} {table} {quarter}"


def repairs(faults: Iterable[str]) -> str:
    """The commands that repair the objects which these lines name."""
    found = (KEY.search(fault) for fault in faults)
    return ", ".join(dict.fromkeys(command("repair", *match.groups()) for match in found if match))

"""What the value of one setting may be: each function gives the value as it is used, or says what is wrong with it.

What does not belong here: the settings themselves (settings.py), and what several of them must have together
(whole_stores.py). A value that cannot be used is a ValueError, whose text shows no secret.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from assets.apps import APPS
from assets.apps.pipelines import PROBES
from assets.health.message import QuietHours
from assets.thresholds import Thresholds
from clearlift_pipelines.project import folder
from resources import keyring
from resources.ad_platforms import PLATFORMS
from resources.r2.keys import checked_key

# Where time is counted from: Python and Dagster write years before 1000 as they cannot read them.
EARLIEST = date(1970, 1, 1)
# Of the prefix of the backups. Below it are the names of a store, a set and a part, and a key has at most 1,024 bytes.
MOST_PREFIX_BYTES = 800
# Days before a day whose events its sessions are made of.
SESSIONS_REACH = 2


def absolute(value: Path) -> Path:
    """A folder, or where one can be made."""
    try:
        found = (folder() / value.expanduser()).resolve()
        nearest = next(path for path in (found, *found.parents) if path.exists())
    except RuntimeError as error:  # no such user's home, or links that lead in a circle
        raise ValueError(str(error)) from None
    except OSError as error:
        raise ValueError(f"{error.filename}: {error.strerror}") from None
    if not nearest.is_dir():
        raise ValueError(f"{nearest} is no folder")
    return found


def begun(value: date) -> date:
    """A day that lies in the past."""
    if value > datetime.now(UTC).date():
        raise ValueError("lies in the future")
    if value < EARLIEST:
        raise ValueError(f"is not to lie before {EARLIEST}")
    return value


def of_live_events(value: int) -> int:
    """Days in which all events are still in the lake."""
    kept = [e.delete_after_days for app in APPS for e in app.lifecycles if e.store == "lake"]
    most = min(days for days in kept if days is not None) - SESSIONS_REACH
    if value > most:
        raise ValueError(f"{value} days are too many, {most} are the most: older events may be archived only")
    return value


def key_set(value: SecretStr | None) -> SecretStr | None:
    """A key set that can be read; as JSON."""
    if value is not None:
        keyring.parse(value.get_secret_value())
    return value


def file_of_keys(value: Path | None) -> Path | None:
    """The same; in a file."""
    if value is not None:
        value = folder() / value.expanduser()
        keyring.load(value)
    return value


def command_of_keys(value: SecretStr | None) -> SecretStr | None:
    """A command line that can be taken apart."""
    if value is not None:
        keyring.words_of(value.get_secret_value())
    return value


def of_known_platforms(value: dict[str, dict[str, SecretStr]]) -> dict[str, dict[str, SecretStr]]:
    """Applications at platforms that there are."""
    for name in value.keys() - PLATFORMS.keys():
        raise ValueError(f"{name!r} is no ad platform; there are {', '.join(PLATFORMS)}")
    return value


def of_known_names(value: dict[str, float]) -> dict[str, float]:
    """Thresholds that there are, above zero."""
    known = Thresholds.known()
    for name, limit in value.items():
        if name not in known:
            near = get_close_matches(name, known, 1) or sorted(known)
            raise ValueError(f"{name} is no threshold; there is {', '.join(near)} (docs/health.md)")
        if not limit > 0:
            raise ValueError(f"{name} is {limit:g}; it must be above 0")
    return value


def receiver(value: SecretStr | None) -> SecretStr | None:
    """An address that takes alerts."""
    if value is not None and "://" not in value.get_secret_value():
        raise ValueError("an address is expected, such as slack://… or file:///var/log/clearlift/alerts.log")
    return value


def hours(value: str | None) -> str | None:
    """Hours of a day."""
    if value is not None:
        QuietHours.parse(value)
    return value


def one_at_sign(value: Any) -> Any:
    """A second @ is one of the password, which would be taken for a part of the host, and shown as such."""
    for dsn in value.values() if isinstance(value, Mapping) else [value] if value is not None else []:
        address = dsn.get_secret_value().partition("?")[0]
        if "://" in address and address.count("@") > 1:
            raise ValueError("it has more than one @; in a user name or password write %40, and %23 for #")
    return value


def connection_string(value: Any) -> Any:
    """A connection string, of ours or of each app."""
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    for app, dsn in value.items() if isinstance(value, Mapping) else [("", value)] if value is not None else []:
        try:
            conninfo_to_dict(dsn.get_secret_value())
        except ProgrammingError:  # its text quotes what it cannot read
            said = "it is no connection string; write postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
            raise ValueError(f"of {app}, {said}" if app else said) from None
    return value


def prefix(value: str) -> str:
    """A folder of the bucket in which nothing else lies."""
    checked_key(value)
    if any(segment != segment.strip() for segment in value.split("/")):
        raise ValueError("a folder's name begins or ends with a space; name one such as backups")
    if len(value.encode()) > MOST_PREFIX_BYTES:
        raise ValueError(f"it is longer than {MOST_PREFIX_BYTES} bytes; name a shorter one, such as backups")
    held = {holding.name.partition("/")[0] for app in APPS for holding in app.holdings if holding.store == "r2"}
    if value.partition("/")[0] in held | {PROBES}:
        raise ValueError("that folder holds something else; name one of its own, such as backups")
    return value


def address(value: str | None) -> str | None:
    """The beginning of an address over HTTP, without a slash at its end."""
    parts = urlsplit(value or "http://none")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("the beginning of an address is expected, such as http://127.0.0.1:8990")
    return value and value.rstrip("/")

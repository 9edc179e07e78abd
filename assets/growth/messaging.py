"""What owners of messaging accounts must do: an access token that has ended or soon will, a template that was refused.
Pure.

What belongs here: the rules. An account is named by its id alone, because all else of it says whose it is.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

SOON = timedelta(days=7)
UNSYNCED = timedelta(days=2)


@dataclass(frozen=True)
class ToDo:
    """One thing to do: what is wrong with which account, what its owner must do, and whether it is broken already."""

    account: str
    what: str
    do: str
    broken: bool


def to_do(accounts: Iterable[Mapping[str, Any]], templates: Iterable[Mapping[str, Any]], now: datetime) -> list[ToDo]:
    """All that is to be done, what is broken first.

    accounts: rows of account, status, quality, has_token, token_expires_at, last_synced_at. templates: rows of account,
    name, language, status (rejected or paused), since.
    """
    found = [todo for account in accounts for todo in _account(account, now)]
    found += [_template(template) for template in templates]
    return sorted(found, key=lambda todo: not todo.broken)


def _account(account: Mapping[str, Any], now: datetime) -> Iterator[ToDo]:
    name, expires, synced = account["account"], account["token_expires_at"], account["last_synced_at"]
    if account["status"] == "pending":
        return  # its owner is in the onboarding, which shows the next step
    if account["status"] == "restricted":
        yield ToDo(name, "the platform restricts the account", "appeal in Meta Business Manager", broken=True)
    if account["status"] == "disconnected":
        yield ToDo(name, "the account is disconnected", "connect the number again", broken=True)
        return  # this comes before all else that is wrong
    if not account["has_token"]:
        yield ToDo(name, "no access token", "connect the number again, which gives one", broken=True)
    elif expires is not None and expires <= now:
        yield ToDo(name, f"access token expired on {expires:%Y-%m-%d}", "give the application a new one", broken=True)
    elif expires is not None and expires <= now + SOON:
        yield ToDo(name, f"access token expires on {expires:%Y-%m-%d}", "renew it before", broken=False)
    if account["quality"] == "red":
        what = "quality rating is red, so that the platform lowers the limit of messages"
        yield ToDo(name, what, "send fewer messages that people block or report", broken=False)
    if synced is None or synced < now - UNSYNCED:
        what = f"not synced since {synced:%Y-%m-%d}" if synced is not None else "never synced"
        yield ToDo(name, what, "look whether the application's webhook answers", broken=False)


def _template(template: Mapping[str, Any]) -> ToDo:
    since = f" since {template['since']:%Y-%m-%d}" if template["since"] is not None else ""
    what = f"template {template['name']} ({template['language']}) is {template['status']}{since}"
    rejected = template["status"] == "rejected"
    do = "correct it by the reason in the application and submit it again" if rejected else "raise its quality"
    return ToDo(template["account"], what, do, broken=rejected)

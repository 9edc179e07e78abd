"""What a connection's `sync_config` asks for, and what is wrong with it. Pure.

What belongs here: the settings, their defaults and limits. What does not: credentials (connections.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any, TypeVar

Value = TypeVar("Value", int, bool)

WINDOWS = ("click_window", "view_window", "engaged_view_window")
MOST_ACTIONS, LONGEST_ACTION = 50, 256
LONGEST_NAME = 64


class ConnectionSettingsError(ValueError):
    """The settings of a connection cannot be used; the text names the setting and shows no secret."""

    def __init__(self, reason: str, next_step: str = "correct the settings of the connection (docs/ads.md)") -> None:
        super().__init__(reason)
        self.next_step = next_step


@dataclass(frozen=True)
class SyncConfig:
    """What is synced of a connection.

    lookback_days: how far back a full look-back reaches. windows: days of attribution by the name of the setting
    (`click_window`, `view_window`, `engaged_view_window`), those that are set; not every platform offers a choice.
    conversion_actions: the platform's actions that are 'the' conversions; the platform's default where none is named.
    unknown: what was set and is no setting, each as a sentence that names the nearest one.
    """

    lookback_days: int = 30
    include_keywords: bool = True
    include_ad_groups: bool = True
    include_ads: bool = True
    windows: Mapping[str, str] = field(default_factory=dict)
    conversion_actions: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


SETTINGS = (
    *(one.name for one in fields(SyncConfig) if one.name not in ("windows", "unknown")),
    *WINDOWS,
)


def sync_config(settings: Mapping[str, Any]) -> SyncConfig:
    """`sync_config` of a connection's settings; a missing key has its default.

    Raises:
        ConnectionSettingsError: a value has the wrong type or lies outside its limits.
    """
    section = settings.get("sync_config")
    if section is None:
        section = {}
    if not isinstance(section, dict):
        raise ConnectionSettingsError("sync_config: not an object")
    config = SyncConfig(
        lookback_days=_typed(section, "lookback_days", int, SyncConfig.lookback_days),
        include_keywords=_typed(section, "include_keywords", bool, True),
        include_ad_groups=_typed(section, "include_ad_groups", bool, True),
        include_ads=_typed(section, "include_ads", bool, True),
        windows={name: str(_typed(section, name, int, 0)) for name in WINDOWS if section.get(name) is not None},
        conversion_actions=_actions(section.get("conversion_actions")),
        unknown=tuple(_unknown(name) for name in section if name not in SETTINGS),
    )
    if not 1 <= config.lookback_days <= 365:
        raise ConnectionSettingsError("sync_config.lookback_days: 1 to 365 is expected")
    return config


def _unknown(name: str) -> str:
    near = get_close_matches(name, SETTINGS, 1)
    meant = f"{near[0]} may be meant" if near else f"there are {', '.join(SETTINGS)}"
    return f"sync_config.{name[:LONGEST_NAME]} is no setting: {meant}"


def _typed(section: Mapping[str, Any], name: str, kind: type[Value], default: Value) -> Value:
    value = section.get(name, default)
    if type(value) is not kind:
        raise ConnectionSettingsError(f"sync_config.{name}: {kind.__name__} is expected")
    return value


def _actions(value: Any) -> tuple[str, ...]:
    actions = [] if value is None else value
    if (
        not isinstance(actions, list)
        or len(actions) > MOST_ACTIONS
        or not all(isinstance(one, str) and 0 < len(one) <= LONGEST_ACTION and "\0" not in one for one in actions)
    ):
        raise ConnectionSettingsError(
            f"sync_config.conversion_actions: a list of up to {MOST_ACTIONS} names is expected"
        )
    return tuple(dict.fromkeys(actions))

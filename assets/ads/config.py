"""What a connection's `sync_config` asks for, and what is wrong with it. Pure.

What belongs here: the settings, their defaults and limits. What does not: credentials (connections.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Days after a click or a view within which platforms count a conversion.
WINDOWS = (1, 7, 28)


class ConnectionSettingsError(ValueError):
    """The settings of a connection cannot be used; the text names the setting and shows no secret."""


@dataclass(frozen=True)
class SyncConfig:
    """What is synced of a connection.

    lookback_days: how far back a full look-back reaches. click_window, view_window: days of attribution after a click
    and after a view, at platforms that offer a choice; a view_window of 0 counts no views.
    """

    lookback_days: int = 30
    include_keywords: bool = True
    include_ad_groups: bool = True
    click_window: int = 7
    view_window: int = 1


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
    values: dict[str, Any] = {}
    for name, default in SyncConfig().__dict__.items():
        value = section.get(name, default)
        if type(value) is not type(default):
            raise ConnectionSettingsError(f"sync_config.{name}: {type(default).__name__} is expected")
        values[name] = value
    config = SyncConfig(**values)
    if not 1 <= config.lookback_days <= 365:
        raise ConnectionSettingsError("sync_config.lookback_days: 1 to 365 is expected")
    if config.click_window not in WINDOWS:
        raise ConnectionSettingsError("sync_config.click_window: 1, 7 or 28 is expected")
    if config.view_window not in (0, *WINDOWS):
        raise ConnectionSettingsError("sync_config.view_window: 0, 1, 7 or 28 is expected")
    return config

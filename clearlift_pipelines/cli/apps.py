"""The option `--app` of commands that work on one app. What is done with the app belongs to the command."""

from collections.abc import Callable
from typing import Any

import click

from assets.apps import APPS, App


def app_option(serves: Callable[[App], object]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Gives the parameter `app`: one of the apps that the command serves, by default the only one."""
    apps = {app.name: app for app in APPS if serves(app)}
    # click takes a default of None for a value, and then misses no option.
    default: dict[str, Any] = {"default": next(iter(apps))} if len(apps) == 1 else {"required": True}

    def chosen(_context: click.Context, _option: click.Parameter, name: str) -> App:
        return apps[name]

    return click.option(
        "--app",
        type=click.Choice(list(apps)),
        callback=chosen,
        help="Which app; only needed where several apps have such data.",
        **default,
    )

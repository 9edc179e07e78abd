"""`python -m clearlift_pipelines.webserver`: Dagster's webserver, with all of its options, behind a guard.

What belongs here: where the guard is put into Dagster's own. What does not: its rules (guard.py) and who may come in
(login.py).
"""

import os
from functools import partial
from typing import Any

import click
import dagster_webserver.app
import dagster_webserver.cli
from dagster_webserver.webserver import DagsterWebserver
from starlette.middleware import Middleware

from clearlift_pipelines import settings
from clearlift_pipelines.guard import Guard
from clearlift_pipelines.login import Login, login_for


class GuardedWebserver(DagsterWebserver[Any, Any]):
    """Dagster's, whose requests the guard sees first."""

    def __init__(self, hosts: frozenset[str], login: Login, *arguments: Any) -> None:
        self._hosts = hosts
        self._login = login
        super().__init__(*arguments)

    def build_middleware(self) -> list[Middleware]:
        """The guard, then Dagster's own."""
        guard = Middleware(Guard, hosts=self._hosts, login=self._login, prefix=self._app_path_prefix)
        return [guard, *super().build_middleware()]


def _guarded(_context: click.Context, _option: click.Parameter, host: str) -> str:
    """Put the guard in front, once the host is known; a callback of the option."""
    try:
        chosen = settings.load()
        login = login_for(host, chosen)
    except settings.SettingsError as error:
        raise click.ClickException(str(error)) from None
    named = (name.strip().lower() for name in [host, *(chosen.ui_hosts or "").split(",")])
    dagster_webserver.app.DagsterWebserver = partial(  # type: ignore[assignment,attr-defined]
        GuardedWebserver, frozenset(filter(None, named)), login
    )
    return host


def guarded_command() -> click.Command:
    """Dagster's command, which refuses a host that other machines reach and nothing guards."""
    command = dagster_webserver.cli.dagster_webserver
    next(option for option in command.params if option.name == "host").callback = _guarded
    return command


def main() -> None:
    """Serve until a signal ends it."""
    # Else uvicorn takes a visitor's address from a header, and the address is what a proxy is known by.
    os.environ["FORWARDED_ALLOW_IPS"] = ""
    guarded_command()
    dagster_webserver.cli.main()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()

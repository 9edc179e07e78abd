"""Apps' own databases on the run's server, migrated: a home's own server takes seconds to start. No fixtures here."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from assets.apps import APPS
from resources.postgres.shared import SharedServer
from tests.databases import database, template_of


class AppDatabases:
    """What took the place of the embedded databases of apps: a copy of a migrated one for each home and app."""

    def __init__(self, server: Callable[[], str]) -> None:
        self._server = server
        self._for_a_test = ExitStack()
        self._made: dict[tuple[Path, str], str] = {}

    def of(self, home: Path, name: str) -> str:
        """The DSN of a home's database."""
        if (home, name) not in self._made:
            (app,) = (app for app in APPS if f"app_{app.name}" == name)
            assert app.postgres_migrations is not None
            copy = database(server := self._server(), template_of(server, app.postgres_migrations))
            self._made[home, name] = self._for_a_test.enter_context(copy)
        return self._made[home, name]

    @contextmanager
    def during_a_test(self) -> Iterator[None]:
        """Databases that are made within the block are gone after it; those that were made before stay."""
        before, self._for_a_test = (self._for_a_test, dict(self._made)), ExitStack()
        try:
            yield
        finally:
            self._for_a_test.close()
            self._for_a_test, self._made = before

    @contextmanager
    def instead_of_embedded_ones(self, patch: pytest.MonkeyPatch) -> Iterator[None]:
        """For the length of the run."""

        class Server(SharedServer):
            def database(server, name: str) -> str:  # noqa: N805 (self is the databases')
                return self.of(server._folder, name)

        patch.setattr("clearlift_pipelines.stores.SharedServer", Server)
        with self._for_a_test:
            yield

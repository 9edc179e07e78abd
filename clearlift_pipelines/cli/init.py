"""`clearlift init`: a deployment made ready, from its credentials to a green doctor.

What belongs here: the order of the steps, asking, and writing `.env`. What does not: how a credential is checked
(credentials.py), and what each step does in its own place: keys, `Stores.migrate`, pools, doctor.
"""

import fcntl
import os
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click

from clearlift_pipelines import env_file, settings
from clearlift_pipelines.cli import way_back
from clearlift_pipelines.cli.doctor import examine
from clearlift_pipelines.cli.entry import dagster_home
from clearlift_pipelines.cli.keys import FILE_NAME
from clearlift_pipelines.cli.questions import TOPICS, Question, questions
from clearlift_pipelines.project import folder
from clearlift_pipelines.settings import Settings, SettingsError
from clearlift_pipelines.stores import Stores
from clearlift_pipelines.variables import PREFIX, as_given
from resources import keyring
from resources.declined import DeclinedError

KEY_FILE = f"{PREFIX}KEYRING_FILE"
CORRECT_THESE = "correct what is named, and run `clearlift init` again. Nothing was written."


def _pairs(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in given]
    if any(not separator for _, separator, _ in pairs):
        raise click.BadParameter("NAME=VALUE is expected")
    return {name: value for name, _, value in pairs}


@click.command()
@click.option("--from", "file", type=click.File(), help="Settings as lines NAME=VALUE; - reads standard input.")
@click.option("--set", "pairs", multiple=True, metavar="NAME=VALUE", callback=_pairs, help="One setting; repeatable.")
@click.option("--ask/--no-ask", default=None, help="Ask for what is missing (by default at a terminal).")
@click.option(
    "--pool-limit", type=click.IntRange(1, 1000), default=4, show_default=True, help="Steps at once in a pool."
)
def init(file: IO[str] | None, pairs: dict[str, str], ask: bool | None, pool_limit: int) -> None:
    """Make a deployment ready: credentials checked and written to .env, key set, migrations, pools, doctor.

    Run again, it goes on where it stopped and changes only what is new. Variables of the environment count and are
    not written. Give secrets by --from or at the prompt: other users of the machine may see a command line.

    Example: clearlift init --from production.env
    """
    given = {**(_settings_of(file) if file else {}), **pairs}
    for variable, value in given.items():
        settings.refuse_unknown(variable)
        if os.environ.get(variable, value) != value:
            raise SettingsError(f"{variable} is another in the environment, which comes first: unset it there")
    path = (folder() / ".env").resolve()
    with _alone(path.parent):
        asks = ask if ask is not None else file is None and not pairs and sys.stdin.isatty()
        if given:
            _checked(path, given)
        for topic in TOPICS if asks else ():
            _ask(path, topic)
        _checked(path, {})
        chosen = _with_keys(path, settings.load())
        with Stores(chosen) as stores:
            for name, applied, migrations in stores.migrated():
                if name in stores.real and (said := way_back.keep(stores, name, applied, migrations)):
                    click.echo(f"{name}: {said}")
            for line in stores.migrate():
                click.echo(f"made {line}")
            _set_pools(chosen, stores, pool_limit)
            well = examine(stores)
    sys.exit(0 if well else 1)


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """One at a time writes the file. The lock is the folder's, so that no file is left; a dead process's is freed."""
    handle = os.open(place, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DeclinedError(
                f"clearlift init is running already in {place}", "end that one, or wait for it"
            ) from None
        yield
    finally:
        os.close(handle)


def _checked(path: Path, values: Mapping[str, str], about: Collection[str] | None = None) -> None:
    """Ask each store whether it accepts what is set together with `values`; if all do, write these to the file.

    about: the variables that are checked, by default all.

    Raises:
        click.ClickException: the values cannot be written.
        DeclinedError: a line for each variable that is wrong. The file is as before.
    """
    from clearlift_pipelines.cli.credentials import faults

    try:
        draft = env_file.draft(path, values)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    try:
        with Stores(settings.load(draft)) as stores:
            found = faults(stores, about)
        if found:
            raise DeclinedError("\n       ".join(f"{name}: {why}" for name, why in found.items()), CORRECT_THESE)
        is_open = path.exists() and path.stat().st_mode & 0o077
        if is_open or (values and env_file.read(draft.read_text()) != _written(path)):
            draft.replace(path)
            click.echo(f"{path}: written")
    finally:
        draft.unlink(missing_ok=True)


def _settings_of(file: IO[str]) -> dict[str, str]:
    try:
        return env_file.read(file.read())
    except UnicodeDecodeError:
        raise DeclinedError(f"{file.name} is not UTF-8", "save it as UTF-8") from None
    except ValueError as error:
        raise DeclinedError(f"{file.name}: {error}", "correct that line") from None


def _written(path: Path) -> dict[str, str]:
    return env_file.read(path.read_text()) if path.exists() else {}


def _ask(path: Path, topic: str) -> None:
    """Ask for one topic until its store accepts the answers, then write them; or until the person gives up."""
    known = {**_written(path), **os.environ}
    given = {name for name, value in known.items() if value}
    asked = [question._replace(variable=as_given(question.variable, given)) for question in questions(topic)]
    if not click.confirm(f"Set up {topic}?", default=any(question.variable in known for question in asked)):
        return
    variables = [question.variable for question in asked]
    again = True
    while again:
        answers = {question.variable: _answer(question, known) for question in asked}
        try:
            _checked(path, {name: value for name, value in answers.items() if value != known.get(name, "")}, variables)
            return
        except (click.ClickException, DeclinedError) as error:
            if isinstance(error, SettingsError) and not any(name in str(error) for name in variables):
                raise  # of what was set before, so that no answer to this topic helps
            click.echo(f"Error: {error}", err=True)
        again = click.confirm("Ask again?", default=True)


def _answer(question: Question, known: Mapping[str, str]) -> str:
    before = known.get(question.variable, "")
    kept = " [as before]" if before and question.secret else ""
    answer: str = click.prompt(
        f"{question.variable} ({question.meaning}){kept}",
        default=before,
        hide_input=question.secret,
        show_default=not question.secret and bool(before),
    )
    return answer


def _with_keys(path: Path, chosen: Settings) -> Settings:
    """The settings with a key set: one is made in the home folder where none is named."""
    if any(found is not None for found in (chosen.keyring, chosen.keyring_file, chosen.keyring_command)):
        return chosen
    file = chosen.made_home() / FILE_NAME
    if not file.exists():
        Stores(chosen).check_new_keys()
    if keyring.make(file):
        click.echo(f"made {file}: keep a copy, without it nothing that is sealed opens")
    env_file.draft(path, {KEY_FILE: str(file)}).replace(path)
    return settings.load()


def _set_pools(chosen: Settings, stores: Stores, limit: int) -> None:
    """Bring the run history to date and give every pool of the definitions a limit, in this one process."""
    dagster_home(chosen)
    from dagster import DagsterInstance

    from clearlift_pipelines import pools
    from clearlift_pipelines.definitions import build_defs

    wanted = pools.names(build_defs(chosen, stores))
    with DagsterInstance.get() as instance:
        if chosen.dagster_postgres_url is not None:
            instance.upgrade()
        for pool in pools.set_missing(instance, wanted, limit):
            click.echo(f"made pool {pool}: {limit}")

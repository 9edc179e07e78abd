"""What a command works with: the stores of the settings, a console, progress bars. No Dagster: see execution.py."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from clearlift_pipelines import settings
from clearlift_pipelines.cli import tables
from clearlift_pipelines.stores import Stores


class Terminal:
    """Stores, and what a person sees meanwhile."""

    def __init__(
        self, chosen: settings.Settings, console: Console, progress: Progress, *, makes_keys: bool = True
    ) -> None:
        self.console = console
        self.progress = progress
        self._bars: dict[str, TaskID] = {}
        self._said: set[str] = set()
        self.stores = Stores(chosen, progress=self.bar, makes_keys=makes_keys)

    def bar(self, label: str) -> Callable[[int, int], None]:
        """A named bar; calling it with (done, total) moves it. One name is one bar, however often it is asked for."""
        task = self._bars.get(label)
        if task is None:
            task = self._bars[label] = self.progress.add_task(label, total=None)

        def move(done: int, total: int) -> None:
            self.progress.update(task, completed=done if total else 1, total=total or 1)
            line = f"{label:<28} {done}/{total}"
            # Work of one name may be done several times, such as once an app.
            if self.progress.disable and done >= total and line not in self._said:
                self._said.add(line)
                self.console.print(line)

        return move


@contextmanager
def progress_on(console: Console) -> Iterator[Progress]:
    """Progress bars for the length of a block. Where the output is no terminal, each bar that is full is a line."""
    with Progress(
        TextColumn("{task.description:<28}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    ) as progress:
        yield progress


@contextmanager
def terminal(*, makes_keys: bool = True) -> Iterator[Terminal]:
    """A terminal for the length of a command. makes_keys: as of Stores."""
    chosen = settings.load()
    console = tables.console()
    with progress_on(console) as progress:
        opened = Terminal(chosen, console, progress, makes_keys=makes_keys)
        with opened.stores:
            yield opened
            opened.stores.note_requests()

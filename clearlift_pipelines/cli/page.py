"""`clearlift page`: the pages to look at, served on loopback or written as files.

What belongs here: what people type, addresses, HTTP. What does not: what a page says (assets/page).
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import click
import psycopg

from clearlift_pipelines.cli.interruption import asked_to_end
from clearlift_pipelines.cli.ports import loopback_port, refuse_busy
from resources import private
from resources.counts import counted
from resources.unreachable import UnreachableError

if TYPE_CHECKING:
    from assets.apps import App
    from assets.page.blocks import Link, Page
    from clearlift_pipelines.cli.execution import Workbench

PORT = 8991
HEALTH = "health.html"
HOSTS = ("127.0.0.1", "localhost")
IDLE_SECONDS = 30  # of a connection that a browser opened in advance
MOST_LINKS = 60
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@click.command()
@loopback_port(PORT)
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the files to this folder instead, and end. They name pages and campaigns of organisations.",
)
def page(port: int, into: Path | None) -> None:
    """How the pipelines stand, and each organisation's dashboard, as pages to look at; until Ctrl-C.

    A page is made when it is asked for; what is wrong is looked at again where the last look is more than 5 minutes
    old.

    Example: clearlift page --into pages
    """
    from clearlift_pipelines.cli.execution import workbench

    if into is None:
        refuse_busy(port)
    with workbench() as bench:
        bench.progress.stop()
        pages = Pages(bench)
        if into is not None:
            private.make_folder(into)
            names = list(pages.named())
            for name in names:
                (into / name).write_text(pages.page(name) or "")
            click.echo(f"{into}: {counted(len(names), 'page')}; begin with {HEALTH}")
            return
        with serving(pages, port) as address:
            ended = asked_to_end()
            click.echo(f"{address} serves the pages; Ctrl-C ends it.")
            while not ended.wait(0.5):
                pass


class Pages:
    """The pages by the names of their files, each made when it is asked for, one at a time."""

    def __init__(self, bench: "Workbench") -> None:
        self._bench = bench
        self._lock = threading.Lock()

    def page(self, path: str) -> str | None:
        """The file at a path; None where there is none."""
        from assets.page.document import html

        with self._lock:
            make = self.named().get(path.removeprefix("/") or HEALTH)
            return html(make()) if make else None

    def named(self) -> "Mapping[str, Callable[[], Page]]":
        """What makes each page, by its name."""
        from assets.page.served import RANGES
        from clearlift_pipelines.page import of_organisation

        stores, found = self._bench.stores, self._organisations()
        tags = [(app.name, tag) for app, tag in found]
        named: dict[str, Callable[[], Page]] = {HEALTH: partial(self._health, tags)}
        for app, tag in found:
            for range_ in RANGES:
                links = [_pages(tags, (app.name, tag)), _ranges(app.name, tag, range_, RANGES)]
                named[_name(app.name, tag, range_)] = partial(of_organisation, stores, app, tag, range_, links)
        return named

    def _organisations(self) -> "list[tuple[App, str]]":
        """Empty where our Postgres cannot say; the page of health says why."""
        from clearlift_pipelines.page import organisations

        try:
            return organisations(self._bench.stores)
        except (UnreachableError, psycopg.Error):
            return []

    def _health(self, tags: Sequence[tuple[str, str]]) -> "Page":
        from clearlift_pipelines.page import health, look_if_late

        bench = self._bench
        look_if_late(bench.stores, bench.instance, bench.definitions.get_repository_def())
        return health(bench.stores, bench.instance, [_pages(tags, None)])


def _name(app: str, org_tag: str, range_: str) -> str:
    return f"{app}-{quote(org_tag, safe='')}-{range_}.html"


def _pages(tags: "Sequence[tuple[str, str]]", current: "tuple[str, str] | None") -> "tuple[str, list[Link]]":
    from assets.page.blocks import Link
    from assets.page.served import USUAL

    links = [Link("Pipelines", HEALTH, current is None)]
    links += [Link(" ".join(one), quote(_name(*one, USUAL)), one == current) for one in tags[:MOST_LINKS]]
    return "Pages", links


def _ranges(app: str, tag: str, current: str, ranges: Sequence[str]) -> "tuple[str, list[Link]]":
    from assets.page.blocks import Link

    return "Ranges", [Link(one, quote(_name(app, tag, one)), one == current) for one in ranges]


@contextmanager
def serving(pages: Pages, port: int) -> Iterator[str]:
    """A server on loopback for the length of the block; its address."""

    class Handler(BaseHTTPRequestHandler):
        timeout = IDLE_SECONDS

        def do_GET(self) -> None:
            # A foreign name that was made to lead here is none of ours: what it asks for is another site's request.
            if urlsplit(f"//{self.headers.get('Host', '')}").hostname not in HOSTS:
                self._answer(421, "unknown Host\n", "text/plain")
                return
            found = pages.page(urlsplit(self.path).path)
            if found is None:
                self._answer(404, f"There is no such page. Begin with /{HEALTH}\n", "text/plain")
            else:
                self._answer(200, found, "text/html")

        def _answer(self, status: int, text: str, kind: str) -> None:
            body = text.encode()
            self.send_response(status)
            for name, value in {**HEADERS, "Content-Type": f"{kind}; charset=utf-8"}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (as the base class names it)
            """Nothing: an address names an organisation."""

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            serving.join()

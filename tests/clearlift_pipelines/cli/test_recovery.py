"""docs/recovery.md, pasted as it stands while something is lost."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg

from assets.apps.consignment import APP as CONSIGNMENT
from clearlift_pipelines.settings import load
from clearlift_pipelines.stores import Stores
from resources.d1 import EmbeddedD1
from resources.r2 import FolderObjectStore
from sandbox import sample_apps
from tests.clearlift_pipelines.cli.terminal import Said, Terminal
from tests.pages import DOCS, blocks_in, typed

PAGE = (DOCS / "recovery.md").read_text()
EVENTS = "select count(*) as n, min(name) as name from events"


def pasted(terminal: Terminal, heading: str, *, but: str = "nothing") -> list[Said]:
    """The commands below a heading, which end well unless they are to be confirmed; but those that are named."""
    section = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    (text,) = (one for one in section if one.startswith(heading))
    found = blocks_in(re.sub(rf"^.*{but}.*\n", "", text, flags=re.MULTILINE))
    return typed(terminal, *found)


@contextmanager
def without_database(stores: Stores, name: str) -> Iterator[None]:
    """The test's server without a database of that name, before and after."""
    drop = f"drop database if exists {name} with (force)"
    with psycopg.connect(stores.postgres.dsn, autocommit=True) as connection:
        connection.execute(drop)
        yield
        connection.execute(drop)


def filled(stores: Stores) -> None:
    stores.migrate()
    sample_apps.fill(CONSIGNMENT, stores.d1(CONSIGNMENT), stores.object_store, datetime.now(UTC))


def test_places_of_the_pages_are_in_no_commit() -> None:
    places = {place for place in re.findall(r"(?:--into|keys open) (\S+)", PAGE) if place not in ("live", "PLACE")}
    assert {"beside.sqlite", "recovered", "restored", "usb/envelope.json"} <= places
    for place in places:
        for name in (f"{place}/", place, f"{place}/.pipelines-postgres.lock", ".beside.sqlite.draft", ".restored.lock"):
            # A folder is ignored as one.
            said = subprocess.run(["git", "check-ignore", "-q", "--no-index", name], cwd=DOCS.parent, check=False)
            assert said.returncode == 0 or name == place, name


def test_rows_and_stores_that_are_lost(terminal: Terminal) -> None:
    stores = terminal.stores
    filled(stores)
    d1 = stores.d1(CONSIGNMENT)
    assert isinstance(d1, EmbeddedD1)
    whole = d1.query(EVENTS)
    for store in ("consignment/d1", "pipelines/postgres", "pipelines/lake"):
        terminal.good("backup", "run", store)

    assert [said.code for said in pasted(terminal, "What there is")] == [0, 0, 0]
    d1.execute("update events set name = 'wrong'")
    steps = pasted(terminal, "Rows are wrong or gone")
    assert [said.code for said in steps] == [0, 1, 0, 0], steps
    assert "would write events" in steps[1].err
    assert d1.query(EVENTS) == whole

    d1.close()
    d1.path.unlink()
    with without_database(stores, "restored"):
        steps = pasted(terminal, "A store is lost")
    assert [said.code for said in steps] == [0, 0, 0, 0], steps
    assert d1.query(EVENTS) == whole


def test_an_account_that_is_lost(terminal: Terminal) -> None:
    elsewhere = FolderObjectStore(terminal.folder / "other_account")
    terminal.monkeypatch.setattr(Stores, "backup_store", elsewhere)
    filled(terminal.stores)
    terminal.stores.object_store.put("archive/x/part-1", b"sealed")
    terminal.good("backup", "run")
    with (
        without_database(terminal.stores, "recovered_pipelines"),
        without_database(terminal.stores, "recovered_growth"),
    ):
        (said,) = pasted(terminal, "The account is lost")

    assert said.code == 0, said
    restored = re.findall(r"^(\S+) restored into (\S+): .* compared", said.out, re.MULTILINE)
    assert dict(restored) == {
        **{f"{app}/d1": f"recovered/{app}-d1" for app in ("clearlift", "consignment", "sesh")},
        **{f"{owner}/postgres": f"recovered_{owner}" for owner in ("growth", "pipelines")},
        **{f"pipelines/{name}": f"recovered/pipelines-{name}" for name in ("lake", "objects")},
    }
    assert (terminal.folder / "recovered/pipelines-objects/archive/x/part-1").read_bytes() == b"sealed"
    assert "pipelines/postgres (" in said.out
    assert "consignment/kv is in no backup" in said.out


def test_a_machine_that_is_lost(terminal: Terminal) -> None:
    terminal.monkeypatch.delenv("CLEARLIFT_POSTGRES_DSN")
    home, usb = terminal.folder / ".clearlift", terminal.folder / "usb"
    usb.mkdir()
    (usb / "passphrase").write_text("correct horse battery staple\n")
    with Stores(load()) as stores:
        filled(stores)
        whole = stores.d1(CONSIGNMENT).query(EVENTS)
        stores.postgres.execute("insert into media.listings values ('sesh', 'after', now())")
    terminal.good("keys", "envelope", str(usb / "envelope.json"), "--passphrase-file", str(usb / "passphrase"))
    terminal.good("backup", "run", "pipelines/postgres", "clearlift/d1", "consignment/d1", "sesh/d1")
    for lost in home.iterdir():
        if lost.name != "r2":
            shutil.rmtree(lost) if lost.is_dir() else lost.unlink()

    early = terminal.refused("backup", "restore", "consignment/d1", "--into", "live", "--confirm")
    assert "there is no key set, and " in early
    assert not (home / "keyring.json").exists()
    # The run takes half a minute, and is tried where it is at home.
    steps = pasted(terminal, "The machine is lost", but="clearlift run")
    assert [said.code for said in steps] == [0] * len(steps), steps
    with Stores(load()) as stores:
        assert stores.d1(CONSIGNMENT).query(EVENTS) == whole
        assert stores.postgres.fetch("select app from media.listings") == [{"app": "sesh"}]

"""The commands of README.md and docs/, typed in their order over stores that have what they are about.

What does not belong here: runbooks, recovery.md, adding-an-app.md and production.md, whose tests look for what each
step ends with.
"""

import shlex
import subprocess
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from assets.apps.clearlift import APP as CLEARLIFT
from assets.apps.sesh import APP as SESH
from assets.audit.entry import Entry
from assets.audit.note import note
from assets.media.ledger import ImageLedger
from clearlift_pipelines.stores import utc_now
from sandbox import sample_media, sample_stores
from tests.assets.event_pipeline import line
from tests.assets.media.photos import photo
from tests.clearlift_pipelines.cli.intake import ingest
from tests.clearlift_pipelines.cli.terminal import Said, Terminal
from tests.clearlift_pipelines.cli.test_media import MEDIA, look
from tests.clearlift_pipelines.cli.test_quarantine import rename
from tests.clearlift_pipelines.cli.test_runbooks import RESTATED
from tests.pages import Block, blocks, lines

ORIGIN = "CLEARLIFT_AD_ORIGIN"
TESTS = Path(__file__).resolve().parents[2]
ELSEWHERE = {
    "make run": "clearlift_pipelines/cli/test_run.py",
    "make ui": "clearlift_pipelines/cli/test_ui.py",
    "make audit": "clearlift_pipelines/test_audit.py",
    "clearlift run": "clearlift_pipelines/cli/test_run.py",
    "clearlift sql": "clearlift_pipelines/cli/test_sql.py",
    "clearlift init": "clearlift_pipelines/cli/test_init.py",
    "clearlift privacy erase": "clearlift_pipelines/cli/test_privacy.py",
    "clearlift privacy cancel": "clearlift_pipelines/cli/test_privacy.py",
    "clearlift privacy status REQUEST": "clearlift_pipelines/cli/test_privacy.py",
    "clearlift backup forget": "clearlift_pipelines/cli/test_backup.py",
    "clearlift keys envelope": "clearlift_pipelines/cli/test_keys.py",
    "clearlift keys open": "clearlift_pipelines/cli/test_keys.py",
    "clearlift keys retire": "clearlift_pipelines/cli/test_keys.py",
    "python -m clearlift_pipelines.webserver": "clearlift_pipelines/served.py",
}
"""What takes long, asks questions or serves, and the tests that run it."""


def walked(
    terminal: Terminal,
    page: str,
    chosen: Mapping[str, str] | None = None,
    *,
    after: Mapping[str, Callable[[], None]] | None = None,
) -> dict[str, Said]:
    """Every command of a page, and what it wrote.

    after: what happens once a command that begins so was typed.
    """
    said = {}
    for block in blocks(page):
        if block.language != "console":
            continue
        for words in lines(block, chosen):
            typed = shlex.join([words[0].removeprefix(".venv/bin/"), *words[1:]])
            if not typed.startswith(tuple(ELSEWHERE)):
                said[typed] = terminal.clearlift(*words[1:])
                assert said[typed].code == 0, (typed, said[typed])
            for start, act in (after or {}).items():
                if typed.startswith(start):
                    act()
    return said


@pytest.mark.parametrize(("command", "test"), ELSEWHERE.items())
def test_the_other_tests_are_there(command: str, test: str) -> None:
    text = (TESTS / test).read_text()
    for word in command.split()[1:]:
        assert word.strip("-") in text or word == "REQUEST", f"{test} does not run {command}"


@pytest.fixture
def with_ads(migrated: Terminal) -> Iterator[Terminal]:
    """With the sample's connections and the sandbox that they lead to."""
    stores = migrated.stores
    with sample_stores.sandbox(stores.object_store, utc_now) as served:
        sample_stores.fill_connections(stores.d1(CLEARLIFT), stores.keyring, served)
        migrated.monkeypatch.setenv(ORIGIN, served.origin)
        yield migrated


def blocks_of(page: str, language: str) -> list[Block]:
    return [block for block in blocks(page) if block.language == language]


def connection_of(terminal: Terminal, platform: str) -> str:
    rows = terminal.stores.d1(CLEARLIFT).query(
        "select id from platform_connections where platform = ? and is_active order by id limit 1", [platform]
    )
    return str(rows[0]["id"])


INGESTED = ("clearlift run --no-sample", "clearlift quarantine replay --reason")
"""After these the landing sensor takes in what landed."""


def begin_trail(terminal: Terminal) -> None:
    """An entry of the trail, and its head of today."""
    note(terminal.stores, Entry(CLEARLIFT.name, "a test", "read", "d1", "users"))
    terminal.good("job", "trail")


def test_readme(with_ads: Terminal) -> None:
    terminal = with_ads
    for name, number in (("first.ndjson", 1), ("more/second.ndjson", 2)):
        (terminal.folder / name).parent.mkdir(exist_ok=True)
        (terminal.folder / name).write_bytes(line(number))
    wrong = terminal.folder / "wrong.ndjson"
    wrong.write_bytes(b"\n".join([line(3), line(4, viewport_width="wide")]))
    unknown = terminal.folder / "unknown.ndjson"
    unknown.write_bytes(line(5, org_tag="newone"))
    terminal.good("land", str(wrong), str(unknown))
    ingest(terminal)
    rename(terminal, "newone")
    begin_trail(terminal)
    terminal.good("backup", "run", "sesh/d1")
    (batch,) = (info.key for info in terminal.stores.object_store.list("landing") if info.key.endswith("-wrong.ndjson"))
    chosen = {
        "FILE FOLDER": "first.ndjson more",
        "FILE": "keys.json",
        "BATCH": batch,
        "ID": connection_of(terminal, "google"),
        "D": "2025-10-11",
        "TAG": "a3f7c2",
        "APP": "clearlift",
        "DAY": "2026-01-01",
        "STORE": "sesh/d1",
        "PLACE": "restored.sqlite",
    }

    said = walked(
        terminal,
        "../README.md",
        chosen,
        after=dict.fromkeys(INGESTED, lambda: ingest(terminal)),
    )

    assert "unknown_org_tag" in said["clearlift quarantine list"].out
    assert (terminal.folder / "restored.sqlite").exists()


def test_ads(with_ads: Terminal) -> None:
    said = walked(with_ads, "ads.md", {"ID": connection_of(with_ads, "google")})
    assert len(said) == 6


def test_ads_restatement(with_ads: Terminal) -> None:
    """The sync that `clearlift run` makes, the clock, the sync of the same days, and what it changed."""
    serving, origin, later, again, psql = blocks_of("ads.md", "sh")[0].text.splitlines()
    (asked,) = blocks_of("ads.md", "sql")
    assert (serving, origin, psql) == ("clearlift sandbox &", f"export {ORIGIN}=http://127.0.0.1:8990", "clearlift sql")
    first, last = (f"{utc_now() - timedelta(days=back):%Y-%m-%d}" for back in (7, 1))
    words = shlex.split(again.replace("2026-11-23", first).replace("2026-11-29", last), comments=True)
    with_ads.good(*words[1:])
    assert with_ads.stores.postgres.fetch(asked.text) == []
    subprocess.run(["bash", "-ec", later], check=True, capture_output=True)
    with_ads.good(*words[1:])
    rows = with_ads.stores.postgres.fetch(asked.text)
    assert len(rows) == 5
    assert {row["kind"] for row in rows} <= {"changed", "appeared", "vanished"}
    pasted = blocks_of("ads.md", "text")[0].text.splitlines()[0]
    assert [name.strip() for name in pasted.split("|")] == [*rows[0]]


def test_cache_health_and_policies(migrated: Terminal) -> None:
    walked(migrated, "cache.md")
    walked(migrated, "health.md")
    walked(migrated, "growth.md")
    begin_trail(migrated)
    walked(migrated, "privacy.md")


@pytest.mark.soak
def test_lifecycle(migrated: Terminal) -> None:
    migrated.stores.postgres.execute(RESTATED)
    (migrated.folder / "late.ndjson").write_bytes(line(1))
    migrated.good("land", "late.ndjson")
    ingest(migrated)
    migrated.good("archive", "run", "clearlift", "ads.restatements", "2023Q1")
    migrated.good("archive", "run", "clearlift", "events", "2025Q4")
    chosen = {"APP": "clearlift", "TABLE": "ads.restatements", "QUARTER": "2023Q1", "2026Q1": "2025Q4"}
    said = walked(migrated, "lifecycle.md", chosen)
    assert len(said) == 10
    assert "2023Q1" in said["clearlift archive list clearlift ads.restatements"].out


def test_media(migrated: Terminal) -> None:
    sample_media.land(migrated.stores.object_store, MEDIA)
    look(migrated)
    ledger = ImageLedger(migrated.stores.postgres, SESH.name, utc_now)
    (cut,) = ledger.in_quarantine("truncated")
    (migrated.folder / "corrected.jpg").write_bytes(photo())

    walked(
        migrated,
        "media.md",
        {"KEY FILE": f"{cut.key} out.jpg", "KEY": cut.key, "FILE": "corrected.jpg", "R": "truncated"},
        after={"clearlift media quarantine replay --reason": lambda: look(migrated)},
    )
    look(migrated)
    assert ledger.in_quarantine("truncated") == []


def test_keys(migrated: Terminal) -> None:
    (migrated.folder / "away").mkdir()
    (migrated.folder / "new").mkdir()
    (migrated.folder / "passphrase").write_text("correct horse battery staple\n")
    for number, page in enumerate(("sealing.md", "security.md")):
        # Else `keys status` ends with 1.
        migrated.good("keys", "envelope", f"away/{number}.json", "--passphrase-file", "passphrase")
        walked(migrated, page, {"/etc/clearlift/keyring.json": "new/keyring.json"})

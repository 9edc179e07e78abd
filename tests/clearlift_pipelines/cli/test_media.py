"""`clearlift media`: how far images are, which are refused, and trying one again."""

import pytest

from assets.apps.sesh import APP as SESH
from assets.media import naming, variants
from assets.media.ledger import ImageLedger
from assets.media.make import Making
from clearlift_pipelines.stores import utc_now
from sandbox import sample_media
from tests.assets.media.photos import photo
from tests.clearlift_pipelines.cli.terminal import Terminal

assert SESH.media is not None
MEDIA = SESH.media


@pytest.fixture
def looked(terminal: Terminal) -> Terminal:
    """The sample's images, settled."""
    terminal.stores.migrate()
    sample_media.land(terminal.stores.object_store, MEDIA)
    look(terminal)
    return terminal


def look(terminal: Terminal) -> None:
    stores = terminal.stores
    Making("sesh", MEDIA, stores.object_store, stores.postgres, utc_now, variants.make).run(sweep=True)


def test_how_far_images_are(terminal: Terminal) -> None:
    terminal.stores.migrate()
    assert terminal.good("media", "status") == "sesh: never listed\n"
    sample_media.land(terminal.stores.object_store, MEDIA)
    Making("sesh", MEDIA, terminal.stores.object_store, terminal.stores.postgres, utc_now, variants.make).run()
    said = terminal.good("media", "status")
    assert said.startswith("sesh: last listed 20")
    assert [line.split()[1:3] for line in said.splitlines()[2:]] == [["made", "8"], ["quarantined", "3"]]
    assert "user-0" not in said


def test_what_is_refused_is_listed_by_reason_and_one_by_one(looked: Terminal) -> None:
    looked.monkeypatch.setenv("COLUMNS", "40")
    by_reason = looked.good("media", "quarantine", "list")
    assert {line.split()[-1] for line in by_reason.splitlines()[1:]} == {"truncated", "not_an_image", "empty"}
    assert "user-0" not in by_reason
    (_, line) = looked.good("media", "quarantine", "list", "--reason", "truncated").splitlines()
    (image,) = ImageLedger(looked.stores.postgres, "sesh", utc_now).in_quarantine("truncated")
    assert line.split()[0] == "truncated"
    assert line.split()[-1] == image.key
    assert len(looked.good("media", "quarantine", "list", "--all").splitlines()) == 4


def test_one_is_taken_out_corrected_and_tried_again(looked: Terminal) -> None:
    ledger = ImageLedger(looked.stores.postgres, "sesh", utc_now)
    (cut,) = ledger.in_quarantine("truncated")
    looked.good("media", "quarantine", "export", cut.key, "cut.jpg")
    assert (looked.folder / "cut.jpg").read_bytes() == looked.stores.object_store.get(naming.quarantined(cut.key))
    (looked.folder / "corrected.jpg").write_bytes(photo())
    said = looked.good("media", "quarantine", "replay", "--key", cut.key, "--corrected", "corrected.jpg")
    assert said.startswith("1 image put back.\nNext: ")
    look(looked)
    assert ledger.in_quarantine("truncated") == []

    again = looked.clearlift("media", "quarantine", "replay", "--all")
    assert (again.code, again.out.splitlines()[0]) == (0, "1 image put back.")
    assert again.err == "1 left, of which no bytes are kept: give a corrected file with --corrected.\n"
    look(looked)
    assert {image.reason for image in ledger.in_quarantine()} == {"empty", "not_an_image"}
    (empty,) = ledger.in_quarantine("empty")
    assert "no bytes of that image are kept" in looked.refused("media", "quarantine", "export", empty.key, "out")


def test_a_correction_that_would_be_refused_too_replaces_nothing(looked: Terminal) -> None:
    """It would take the place of the bytes that are kept."""
    (cut,) = ImageLedger(looked.stores.postgres, "sesh", utc_now).in_quarantine("truncated")
    kept = looked.stores.object_store.get(naming.quarantined(cut.key))
    for content, why in (
        (b"", "empty"),
        (b"<html>", "not_an_image"),
        (kept, "truncated"),
        (photo()[:-99], "truncated"),
    ):
        (looked.folder / "wrong.jpg").write_bytes(content)
        said = looked.refused("media", "quarantine", "replay", "--key", cut.key, "--corrected", "wrong.jpg")
        assert f"would be refused too ({why})" in said
    look(looked)
    assert looked.stores.object_store.get(naming.quarantined(cut.key)) == kept


def test_where_nothing_is_refused_and_what_names_nothing(terminal: Terminal) -> None:
    terminal.stores.migrate()
    assert terminal.good("media", "quarantine", "list") == "Nothing is refused.\n"
    assert terminal.good("media", "quarantine", "replay", "--all") == "Nothing to replay.\n"
    assert "no refused images of 'nosuch'" in terminal.refused("media", "quarantine", "list", "--reason", "nosuch")
    assert "no refused images of that key" in terminal.refused("media", "quarantine", "export", "nosuch", "out")
    assert not (terminal.folder / "out").exists()


def test_a_replay_wants_to_know_which_images(terminal: Terminal) -> None:
    (terminal.folder / "a.jpg").write_bytes(b"")
    for options, wanted in (
        ((), "--reason, --key or --all"),
        (("--all", "--corrected", "a.jpg"), "say by --key"),
        (("--all", "--mended", "a.jpg"), "say by --key"),
    ):
        said = terminal.clearlift("media", "quarantine", "replay", *options)
        assert said.code == 2
        assert wanted in said.err

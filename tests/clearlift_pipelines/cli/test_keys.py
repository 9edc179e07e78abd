"""`clearlift keys envelope`, `open` and `status`: the keys come back on another machine, and open what they sealed."""

import re
from pathlib import Path

import pytest

from assets.backups import keys
from assets.backups.covered import target_of
from resources.keyring import Keyring, envelope, fingerprint, load, parse
from tests.clearlift_pipelines.cli.terminal import Terminal


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envelope, "_COST", {"n": 2**4, "r": 8, "p": 1})


@pytest.fixture
def phrase(terminal: Terminal) -> tuple[str, str]:
    """The option that gives a passphrase."""
    file = terminal.folder / "phrase.txt"
    file.write_text("correct horse battery staple\n")
    return "--passphrase-file", str(file)


def test_the_keys_come_back_out_of_their_envelope(terminal: Terminal, phrase: tuple[str, str]) -> None:
    assert "a key is in no envelope" in terminal.refused("keys", "status")

    assert "the keys 1 " in terminal.good("keys", "envelope", "away.json", *phrase)
    assert re.search(r"^key 1 [0-9a-f]{32}: in an envelope of 20", terminal.good("keys", "status"))
    terminal.good("keys", "open", "away.json", "back/keyring.json", *phrase)

    away, back = terminal.folder / "away.json", terminal.folder / "back" / "keyring.json"
    assert load(back).exported() == terminal.stores.keyring.exported()
    assert [path.stat().st_mode & 0o777 for path in (away, back)] == [0o600, 0o600]
    assert terminal.refused("keys", "envelope", "away.json", *phrase).endswith("Next: name another file")
    assert terminal.refused("keys", "open", "away.json", "back/keyring.json", *phrase).endswith(
        "`clearlift backup list`"
    )


def test_a_passphrase_that_is_asked_for_is_not_shown(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("click.termui.hidden_prompt_func", lambda _: "correct horse battery staple")
    said = terminal.clearlift("keys", "envelope", "away.json")
    assert said.code == 0
    assert "horse" not in said.out + said.err


def test_an_envelope_beside_what_it_opens_is_refused(terminal: Terminal, phrase: tuple[str, str]) -> None:
    inside = str(terminal.stores.settings.home / "r2" / "away.json")
    assert "one loss takes both" in terminal.refused("keys", "envelope", inside, *phrase)
    assert not Path(inside).exists()


def test_another_passphrase_and_a_cut_envelope_are_one_clear_line(terminal: Terminal, phrase: tuple[str, str]) -> None:
    terminal.good("keys", "envelope", "away.json", *phrase)
    other = terminal.folder / "other.txt"
    other.write_text("something else")
    assert "another passphrase" in terminal.refused(
        "keys", "open", "away.json", "k.json", "--passphrase-file", str(other)
    )
    assert "16 are the fewest" in terminal.refused("keys", "envelope", "b.json", "--passphrase-file", str(other))
    away = terminal.folder / "away.json"
    away.write_bytes(away.read_bytes()[:-20] + b"\xff")
    assert "Error: " in terminal.refused("keys", "open", "away.json", "k.json", *phrase)
    assert not (terminal.folder / "k.json").exists()


def test_a_key_that_came_since_and_one_that_was_replaced_are_in_no_envelope(terminal: Terminal) -> None:
    target = target_of(terminal.stores)
    old = terminal.stores.keyring
    keys.note(target, old, terminal.stores.clock())
    assert list(keys.kept(target, old).values()) != [None]
    other = Keyring({1: b"x" * 32, 2: b"2" * 32})
    assert keys.kept(target, other) == {1: None, 2: None}


def test_looking_at_backups_without_the_key_set_makes_none(terminal: Terminal) -> None:
    terminal.stores.migrate()
    looks = (("list",), ("verify", "sesh/d1"), ("drill", "sesh/d1"), ("restore", "sesh/d1", "--into", "x.sqlite"))
    file = terminal.stores.settings.home / "keyring.json"
    for look in looks:
        terminal.clearlift("backup", *look)
        assert not file.exists(), look

    terminal.good("backup", "run", "sesh/d1")
    file.rename(terminal.folder / "kept.json")
    for command in (*looks, ("run", "sesh/d1")):
        said = terminal.refused("backup", *command)
        assert "there is no key set, and " in said
        assert "Next: `clearlift keys open ENVELOPE FILE`" in said
        assert not file.exists(), command


def test_a_wrong_key_set_is_not_damage_and_one_without_a_backup_gives_way(
    terminal: Terminal, phrase: tuple[str, str]
) -> None:
    terminal.stores.migrate()
    terminal.good("backup", "run", "sesh/d1")
    terminal.good("keys", "envelope", "away.json", *phrase)
    home = terminal.stores.settings.home
    right, file = (home / "keyring.json").read_text(), home / "keyring.json"
    needed = fingerprint(parse(right), 1)
    file.unlink()
    terminal.good("keys", "new")
    for look in (("list",), ("verify", "sesh/d1"), ("drill", "sesh/d1")):
        said = terminal.clearlift("backup", *look)
        assert said.code == 1
        assert "another key set sealed" in said.err
        assert f"its fingerprint is {needed}, and the keys here are 1 " in said.err
        assert f"Next: bring back the key set that sealed it, with key 1 {needed}; docs/" in said.err
        assert "damaged:" not in said.out

    opened = terminal.good("keys", "open", "away.json", str(file), *phrase)
    assert "the key set that was there sealed no backup; it is " in opened
    assert file.read_text() == right
    assert len(list(home.glob("keyring.json.unused-*"))) == 1

    file.unlink()
    terminal.good("keys", "new")
    said = terminal.clearlift("backup", "run", "sesh/d1")
    assert (said.code, "1 earlier set cannot be read, because another key set sealed" in said.err) == (0, True)
    refused = terminal.refused("keys", "open", "away.json", str(file), *phrase)
    assert "backups were sealed with it. Next: name another file, and set CLEARLIFT_KEYRING_FILE" in refused

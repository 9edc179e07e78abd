"""`clearlift keys`: keys come back on another machine, are changed for all that they sealed, and end when nothing needs
them.
"""

import json
import re
import shutil
from pathlib import Path

import pytest

from assets.apps.growth import APP as GROWTH
from assets.apps.sesh import APP as SESH
from assets.backups import keys
from assets.backups.covered import target_of
from assets.sealing.field_store import store_of
from assets.sealing.fields import fields_of
from assets.sealing.lookup import ids_of
from assets.sealing.move import Sealer
from resources.keyring import Keyring, envelope, fingerprint, load, parse, replace
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
    assert "were sealed by another key set: 1 of 1 backup set" in terminal.refused("backup", "run", "sesh/d1")
    terminal.monkeypatch.setenv("CLEARLIFT_BACKUP_PREFIX", "others")
    terminal.good("backup", "run", "sesh/d1")
    refused = terminal.refused("keys", "open", "away.json", str(file), *phrase)
    assert "backups were sealed with it. Next: name another file, and set CLEARLIFT_KEYRING_FILE" in refused


def test_a_key_is_changed_for_all_and_the_old_one_ends_when_nothing_refers_to_it(terminal: Terminal) -> None:
    stores = terminal.stores
    stores.migrate()
    file = stores.settings.home / "keyring.json"
    sesh, growth = stores.d1(SESH), stores.app_postgres(GROWTH)
    sesh.execute("insert into users (id, email) values ('u', 'Ann@Sesh.example')")
    growth.execute("insert into marketing.leads (email, name) values ('lead@x.example', 'Lee')")
    first = terminal.stores.keyring
    field = next(fields_of(SESH, "d1"))
    (lead,) = [field for field in fields_of(GROWTH, "app_postgres") if field.rule.column]
    assert Sealer(store_of(stores, SESH, field), first).move(field).left == 0
    assert Sealer(store_of(stores, GROWTH, lead), first).move(lead).left == 0
    terminal.good("backup", "run", "sesh/d1")
    assert "key 1 is the newest" in terminal.refused("keys", "retire", "1")

    said = terminal.good("keys", "rotate")
    assert "key 2 is new\n" in said
    assert "sesh/d1 users.emailEncrypted: 1 sealed again\n" in said
    assert "growth/postgres marketing.leads.name_encrypted: 1 sealed again\n" in said
    assert "key 1; backups 1; known since 20" in said
    assert file.stat().st_mode & 0o777 == 0o600
    ring = load(file)
    assert ring.ids == {1, 2}
    assert not any(key.split('"')[0] in said for key in file.read_text().split(': "')[1:])
    assert ids_of(store_of(stores, SESH, field), field, ring, "ann@sesh.example") == ["u"]
    (row,) = sesh.query("select id, emailEncrypted as sealed from users where id = 'u'")
    assert ring.without(1).open_text(row["sealed"], **field.place, row="u") == "Ann@Sesh.example"

    status = terminal.clearlift("keys", "status").out
    assert re.search(r"^key 1 [0-9a-f]{32}: in no envelope; backups 1; known since 20", status, re.MULTILINE)
    first, second = json.loads(terminal.clearlift("keys", "status", "--json").out)["keys"]
    assert (first["key"], first["in_envelope_at"], first["refers"]["backups"]) == (1, None, 1)
    # A set may hold a value of every key that is in use: an application may have had the key before it was seen here.
    assert second["refers"] == {"growth/postgres": 1, "sesh/d1": 2, "backups": 1}
    assert re.search(r"^key 2 [0-9a-f]{32}: in no envelope; growth/postgres 1, sesh/d1 2", status, re.MULTILINE)
    assert "key 1 is needed: backups 1. Next: " in terminal.refused("keys", "retire", "1")
    assert load(file).ids == {1, 2}
    shutil.rmtree(stores.settings.home / "r2" / "backups")
    assert "key 1 is gone" in terminal.good("keys", "retire", "1")
    assert load(file).ids == {2}
    assert "there is no key 1" in terminal.refused("keys", "retire", "1")


def test_a_rotation_that_was_killed_goes_on_and_makes_no_further_key(terminal: Terminal) -> None:
    stores = terminal.stores
    stores.migrate()
    d1, file = stores.d1(SESH), stores.settings.home / "keyring.json"
    ring = stores.keyring
    for user in ("u", "v"):
        sealed = ring.seal_text("a@x.example", table="users", column="emailEncrypted", row=user)
        d1.execute("insert into users (id, email, emailEncrypted) values (?1, ?1, ?2)", [user, sealed])
    after = ring.with_new_key()
    replace(file, ring, after)
    again = after.seal_text("a@x.example", table="users", column="emailEncrypted", row="u")
    d1.execute("update users set emailEncrypted = ? where id = 'u'", [again])

    said = terminal.good("keys", "rotate")
    assert "is new" not in said
    assert "2 values are sealed with key 2 now" in said, "one had no index yet"
    assert load(file).exported() == after.exported()


def test_a_value_that_no_key_opens_is_left_and_keeps_its_key(terminal: Terminal) -> None:
    stores = terminal.stores
    stores.migrate()
    lost = Keyring({1: b"x" * 32}).seal_text("a", table="users", column="emailEncrypted", row="u")
    assert stores.keyring.ids == {1}
    stores.d1(SESH).execute("insert into users (id, email, emailEncrypted) values ('u', 'u', ?)", [lost])
    refused = terminal.clearlift("keys", "rotate")
    assert refused.code == 1
    assert "1 value of no key that is here, or damaged, left as it was. Next: " in refused.err
    assert "key 1 is needed: sesh/d1 1" in terminal.refused("keys", "retire", "1")


def test_a_key_set_of_a_variable_or_a_command_is_changed_by_its_owner(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores = terminal.stores
    stores.migrate()
    ring = stores.keyring
    monkeypatch.setenv("CLEARLIFT_KEYRING", ring.exported())
    assert 'CLEARLIFT_KEYRING. Next: add "2" to its keys' in terminal.refused("keys", "rotate")
    kept = terminal.folder / "secret.json"
    kept.write_text(ring.with_new_key().exported())
    monkeypatch.setenv("CLEARLIFT_KEYRING_COMMAND", f"cat '{kept}'")
    both = terminal.refused("keys", "rotate")
    assert "CLEARLIFT_KEYRING and CLEARLIFT_KEYRING_COMMAND are set; keep the one" in both
    monkeypatch.delenv("CLEARLIFT_KEYRING")
    assert re.search(r"^key 1 [0-9a-f]{32}: in no envelope", terminal.clearlift("keys", "status").out)
    assert "key 3" not in terminal.clearlift("keys", "rotate").out
    assert "take it out of CLEARLIFT_KEYRING_COMMAND" in terminal.good("keys", "retire", "1")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("''", "this is no command"),
        ("cat 'x", "this is no command"),
        ("no-such-program --token very-secret", "no-such-program cannot be started"),
        ("sh -c 'echo very-secret >&2; exit 3'", "sh ended with exit code 3"),
        ("echo very-secret", "echo: a key set is"),
        ("head -c 9 /dev/urandom", "head"),
    ],
)
def test_a_command_that_gives_no_key_set_is_one_clear_line(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, command: str, said: str
) -> None:
    monkeypatch.setenv("CLEARLIFT_KEYRING_COMMAND", command)
    refused = terminal.refused("keys", "status")
    assert "CLEARLIFT_KEYRING_COMMAND: " in refused
    assert said in refused
    assert "very-secret" not in refused

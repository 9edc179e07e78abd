"""`clearlift cache`: an emptied namespace is warm again by one command, and status shows how warm it is."""

import json
import time
from contextlib import closing

from assets.apps.clearlift import APP as CLEARLIFT
from assets.apps.growth import APP as GROWTH
from resources.kv import Entry
from sandbox import sample_stores
from tests.clearlift_pipelines.cli.terminal import Terminal
from tests.standin.cloudflare import ACCOUNT, NAMESPACE, TOKEN, Cloudflare


def test_an_emptied_namespace_is_warm_again_by_one_command(terminal: Terminal) -> None:
    stores = terminal.stores
    stores.migrate()
    sample_stores.fill_d1(stores.d1(CLEARLIFT))
    kv = stores.kv(CLEARLIFT)
    assert "0 keys written" not in terminal.good("cache", "rebuild", "--app", "clearlift")
    full = kv.get_many([info.name for info in kv.list()])
    assert any(key.startswith("connections:") for key in full)

    kv.delete_many(full)
    said = terminal.good("cache", "rebuild")
    # Dashboards that count no lead yet are keys too.
    of_others = sum(1 for _ in stores.kv(GROWTH).list())
    assert f"{len(full) + of_others} keys written" in said
    assert kv.get_many([info.name for info in kv.list()]) == full

    connections = {key for key in full if key.startswith("connections:")}
    said = terminal.good("cache", "status", "--family", "connections")
    (row,) = [line.split() for line in said.splitlines() if "clearlift/connections" in line]
    number = str(len(connections))
    assert row == ["clearlift/connections", number, number, number, "0", "100.0%"]

    stores.postgres.execute("update cache.entries set expires_at = now() where family = 'connections'")
    said = terminal.good("cache", "status", "--app", "clearlift")
    (row,) = [line.split() for line in said.splitlines() if "clearlift/connections" in line]
    assert row == ["clearlift/connections", number, number, "0", number, "0.0%"]


def test_kv_is_compared_with_its_index_and_corrected(terminal: Terminal) -> None:
    stores = terminal.stores
    stores.migrate()
    sample_stores.fill_d1(stores.d1(CLEARLIFT))
    kv = stores.kv(CLEARLIFT)
    terminal.good("cache", "rebuild", "--app", "clearlift")
    full = kv.get_many([info.name for info in kv.list()])
    assert "100.0%" in terminal.good("cache", "verify")

    lost, *others = (key for key in full if key.startswith("connections:"))
    kv.delete_many([lost])
    kv.put_many([Entry(others[0], b"of another"), Entry("connections:nobody", b"[]"), Entry("session:1", b"")])
    for options, done in ((["--dry-run"], "Nothing was changed."), ([], "They were written again or deleted.")):
        said = terminal.clearlift("cache", "verify", "--app", "clearlift", *options)
        assert said.code == 1
        assert said.err == f"Error: 3 keys in KV were not as the index says. {done}\n"
        (row,) = [line.split() for line in said.out.splitlines() if "clearlift/connections" in line]
        assert row[4:] == ["1", "1", "1", "0" if options else "2"]
    assert kv.get_many([info.name for info in kv.list()]) == {**full, "session:1": b""}
    assert terminal.clearlift("cache", "verify").code == 0


def test_the_value_of_a_key_is_shown_as_kv_has_it(terminal: Terminal) -> None:
    stores = terminal.stores
    stores.migrate()
    sample_stores.fill_d1(stores.d1(CLEARLIFT))
    terminal.good("cache", "rebuild", "--app", "clearlift")
    kv, key = stores.kv(CLEARLIFT), "dashboard:a3f7c2:summary:7d"
    value = json.loads(kv.get(key) or b"")
    assert value["events"] == 0
    assert json.loads(terminal.good("cache", "show", key)) == value
    (row,) = json.loads(terminal.good("cache", "show", key, "--json"))["values"]
    assert row == {"app": "clearlift", "family": "summary", "key": key, "value": value}
    notes = "select work, place, rows from audit.entries"
    assert stores.postgres.fetch(notes) == []
    assert json.loads(terminal.good("cache", "show", "connections:a3f7c2")) == []
    assert stores.postgres.fetch(notes) == [{"work": "clearlift cache show", "place": "connections", "rows": 1}]

    kv.put_many([Entry(key, b"of another"), Entry("session:1", b"hush")])
    assert "another program wrote it. Next: `clearlift cache verify`" in terminal.refused("cache", "show", key)
    kv.delete_many([key])
    again = f"KV has no key {key}. Next: `clearlift cache rebuild --app clearlift --family summary`"
    assert again in terminal.refused("cache", "show", key)
    for other in ("session:1", "dashboard:*:summary:7d:more", ""):
        said = terminal.refused("cache", "show", other)
        assert "no family makes a key of this form. Next: docs/cache.md" in said
        assert "hush" not in said
    person = "hush-user-id"
    said = terminal.refused("cache", "show", f"user:{person}:dashboard:layout", "--app", "sesh")
    assert person not in said


def test_the_value_of_a_key_is_shown_over_http_too(terminal: Terminal) -> None:
    terminal.stores.migrate()
    key = "dashboard:a3f7c2:summary:7d"
    with closing(Cloudflare(terminal.folder, time.time)) as served, served.loopback:
        served.kv.put_many([Entry(key, b'{"events":7}')])
        for name, value in {
            "CLOUDFLARE_ACCOUNT_ID": ACCOUNT,
            "CLOUDFLARE_API_TOKEN": TOKEN,
            "CLOUDFLARE_API_URL": served.api,
            "KV__CLEARLIFT": NAMESPACE,
        }.items():
            terminal.monkeypatch.setenv(f"CLEARLIFT_{name}", value)
        assert terminal.good("cache", "show", key) == '{\n "events": 7\n}\n'


def test_the_most_read_family_comes_first(terminal: Terminal) -> None:
    stores = terminal.stores
    stores.migrate()
    sample_stores.fill_d1(stores.d1(CLEARLIFT))
    stores.postgres.execute("insert into cache.reads values ('clearlift', 'org_tags', 'k', current_date, 5, 5)")
    terminal.good("cache", "rebuild")
    first = stores.postgres.fetch("select family from cache.entries order by written_at limit 1")
    assert first == [{"family": "org_tags"}]


def test_a_family_that_there_is_none_of_is_refused_with_those_there_are(terminal: Terminal) -> None:
    said = terminal.clearlift("cache", "rebuild", "--app", "clearlift", "--family", "nope")
    assert said.code == 2
    assert "no family 'nope'" in said.err
    assert "connections" in said.err

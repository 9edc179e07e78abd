"""`clearlift cache`: an emptied namespace is warm again by one command, and status shows how warm it is."""

from assets.apps.clearlift import APP as CLEARLIFT
from assets.apps.growth import APP as GROWTH
from resources.kv import Entry
from sandbox import sample_stores
from tests.clearlift_pipelines.cli.terminal import Terminal


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

"""The runbook on damaged archives, pasted as it stands, over archives in the state that it is about."""

import shutil

from tests.clearlift_pipelines.cli.terminal import Terminal
from tests.pages import blocks, typed

RESTATED = """
insert into ads.restatements
    (app, org_id, platform, account_id, campaign_id, date, seen_at, sync_run_id, currency)
select 'clearlift', org, 'google', '1', n::text, '2023-02-01', '2023-02-02', gen_random_uuid(), 'USD'
from unnest(array['live', 'copied', 'lost', 'whole']) org, generate_series(1, 3) n
"""


def test_a_damaged_archive(terminal: Terminal) -> None:
    stores = terminal.stores
    stores.migrate()
    store, postgres = stores.object_store, stores.postgres
    postgres.execute(RESTATED)
    terminal.good("archive", "run", "clearlift", "ads.restatements", "2023Q1")
    parts = {info.key.split("/")[4]: info.key for info in store.list("archive") if "/part-" in info.key}
    manifests = {info.key.split("/")[4]: info.key for info in store.list("archive") if "/manifest-" in info.key}
    (terminal.folder / "backup").mkdir()
    shutil.copy(store.uri(parts["copied"]), terminal.folder / "backup")
    for key in (parts["live"], parts["copied"], manifests["whole"]):
        store.delete(key)
    store.put(parts["lost"], store.get(parts["lost"])[:-5])
    postgres.execute("delete from ads.restatements where org_id in ('copied', 'whole')")
    postgres.execute("delete from ads.restatements where org_id = 'lost' and campaign_id = '1'")

    steps = typed(terminal, *blocks("runbooks/damaged-archive.md"))

    assert [said.code for said in steps] == [1, 1, 1, 1, 0, 0, 0, 0], steps
    verify, dry, first, second, accepted, again, last, plan = steps
    assert verify.out.count("damaged archive/") == 4
    assert (dry.out.count("would repair"), dry.out.count("cannot repair")) == (2, 2)
    assert (first.out.count("\nrepaired"), first.out.count("not repaired")) == (2, 2)
    assert f"repaired {parts['copied']}: missing; from the copy backup/" in second.out
    assert f"left out {parts['lost']}: " in accepted.out
    assert "1 buckets sealed, 1 without new rows, 2 not looked at: 2 rows in 1 parts" in again.out
    assert "4 buckets, 4 parts, 11 rows read" in last.out
    assert "damaged" not in plan.out

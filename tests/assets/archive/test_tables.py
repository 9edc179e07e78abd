"""Tables of databases in an archive: those that apps share, and those of an app's own Postgres."""

from assets.apps.lifecycle import Archive, Lifecycle
from tests.assets.archive.archive_stores import ArchiveStores


def test_what_our_postgres_holds_of_an_app_is_archived_by_organisation(archive_stores: ArchiveStores) -> None:
    archive_stores.now = archive_stores.now.replace(year=2027)
    archive_stores.postgres.execute(
        """
        insert into ads.restatements
            (app, org_id, platform, account_id, campaign_id, date, seen_at, sync_run_id, currency, spend_after)
        select app, org, 'google', '1', '2', '2026-02-03', '2026-02-03 04:05:06', gen_random_uuid(), 'EUR', 1.5
        from unnest(array['clearlift', 'other']) app, unnest(array['org one', 'org/two']) org
        """
    )
    before = archive_stores.postgres.fetch("select r::text as row from ads.restatements r order by id")

    done = archive_stores.archive("clearlift", "ads.restatements")
    assert (done.sealed, done.rows) == (2, 2), "rows of the other app are not archived"
    assert archive_stores.archive("clearlift", "ads.restatements").sealed == 0
    archive_stores.postgres.execute("delete from ads.restatements where app = 'clearlift'")
    assert archive_stores.restore("clearlift", "ads.restatements", "live").added == 2
    assert archive_stores.postgres.fetch("select r::text as row from ads.restatements r order by id") == before
    assert archive_stores.verify("clearlift", "ads.restatements").faults == []


def test_an_entry_needs_no_word_of_its_store() -> None:
    entry = Lifecycle("lake", "app.rows_*", "at", ("id",), archive=Archive(1, "org"), kept="yes")
    assert (entry.table, entry.is_series) == ("rows", True)

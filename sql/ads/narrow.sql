-- Writes the longest range of days (one row) that a platform answered for a stream.
-- Parameters: app, connection_id, stream, org_id, platform, account_id, days, now.
insert into ads.sync_ranges (app, connection_id, stream, org_id, platform, account_id, longest_days, found_at)
values (
    %(app)s, %(connection_id)s, %(stream)s, %(org_id)s, %(platform)s, %(account_id)s, %(days)s, %(now)s
)
on conflict (app, connection_id, stream) do update
set longest_days = excluded.longest_days, found_at = excluded.found_at

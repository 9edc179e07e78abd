-- Records that a slice (one row) is about to be requested; a replay of staged pages may find it recorded already.
-- Parameters: app, slice_id, run_id, connection_id, org_id, platform, account_id, stream, since, until and observed_at
-- of the slice, and remote_job_id, attempts, raw_prefix.
insert into ads.sync_slices (
    app, id, run_id, connection_id, org_id, platform, account_id, stream, since, until, observed_at, state,
    remote_job_id, attempts, raw_prefix
)
values (
    %(app)s, %(slice_id)s, %(run_id)s, %(connection_id)s, %(org_id)s, %(platform)s, %(account_id)s, %(stream)s,
    %(since)s, %(until)s, %(observed_at)s, 'open', %(remote_job_id)s, %(attempts)s, %(raw_prefix)s
)
on conflict (id) do nothing

-- Records a run of a connection (one row); a replay of staged pages may find its run recorded already.
-- Parameters: app, run_id, connection_id, org_id, platform, account_id, mode, started_at, status.
insert into ads.sync_runs (app, id, connection_id, org_id, platform, account_id, mode, started_at, status)
values (
    %(app)s, %(run_id)s, %(connection_id)s, %(org_id)s, %(platform)s, %(account_id)s, %(mode)s, %(started_at)s,
    %(status)s
)
on conflict (id) do nothing

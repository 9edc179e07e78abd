insert into ads.sync_runs (id, connection_id, org_id, platform, account_id, mode, started_at, status)
values (
    %(run_id)s, %(connection_id)s, %(org_id)s, %(platform)s, %(account_id)s, %(mode)s, %(now)s, 'running'
)

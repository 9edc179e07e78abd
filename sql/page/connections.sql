-- One row a connection of an ad platform that was ever synced: its last sync (status, code of its error), its last success
-- (last), the day up to which each of its streams is synced (through); and since a moment (since) the rows that changed,
-- the syncs that failed and the requests.
with newest as (
    select distinct on (app, connection_id) app, connection_id, platform, status, error_code
    from ads.sync_runs
    order by app, connection_id, started_at desc
),
ended as (
    select
        app, connection_id,
        max(finished_at) filter (where status = 'success') as last,
        count(*) filter (where status = 'error' and started_at >= %(since)s) as errors,
        coalesce(sum(requests) filter (where started_at >= %(since)s), 0)::bigint as requests
    from ads.sync_runs
    group by app, connection_id
),
merged as (
    select app, connection_id, sum(inserted + updated + deleted)::bigint as rows
    from ads.sync_slices
    where state = 'merged' and observed_at >= %(since)s
    group by app, connection_id
),
reached as (
    select app, connection_id, min(synced_through) as through
    from ads.sync_state
    where synced_through is not null
    group by app, connection_id
)
select
    newest.app, newest.platform, newest.connection_id as id, newest.status, newest.error_code as code, ended.last,
    reached.through, coalesce(merged.rows, 0) as rows, ended.errors, ended.requests
from newest
join ended using (app, connection_id)
left join merged using (app, connection_id)
left join reached using (app, connection_id)
order by newest.app, newest.platform, newest.connection_id

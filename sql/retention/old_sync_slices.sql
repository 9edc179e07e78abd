-- One row a slice of a sync of an app (app) that was observed before `before`: row_id; held_back says why it stays.
select
    t.ctid as row_id,
    case
        when t.state not in ('merged', 'failed', 'resumed')
            or not exists (select from ads.sync_runs r where r.id = t.run_id and r.status <> 'running')
            then 'the slice or its run has not ended'
    end as held_back
from ads.sync_slices as t
where t.app = %(app)s and t.observed_at < %(before)s

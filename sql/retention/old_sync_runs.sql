-- One row a sync run of an app (app) that started before `before`: row_id; held_back says why it stays. Runs with
-- slices stay, because the deletion of a run takes its slices along.
select
    t.ctid as row_id,
    case
        when t.status = 'running' or exists (select from ads.sync_slices s where s.run_id = t.id)
            then 'the run has not ended, or slices of it stay'
    end as held_back
from ads.sync_runs as t
where t.app = %(app)s and t.started_at < %(before)s

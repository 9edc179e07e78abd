-- One row an aggregation of an hour that began before a moment: its ctid, and why it stays. Those of days are kept.
-- Parameters: before.
select
    stored.ctid as row_id,
    case
        when exists (
            select 1
            from pipelines.stale_windows as stale
            where stale.kind = 'hour' and stale.window_start = stored.window_start
        ) then 'events came to it and it is not made again'
    end as held_back
from analytics.event_aggregations as stored
where stored.period = 'hour' and stored.window_start < %(before)s

-- The days of a slice that it may write: those that no later observation has been merged for.
create temporary table window_days on commit drop as
select asked::date as date
from generate_series(%(since)s::timestamp, %(until)s::timestamp, interval '1 day') as asked
where not exists (
    select from ads.sync_slices s
    where s.connection_id = %(connection_id)s and s.stream = %(stream)s and s.state = 'merged'
      and s.until >= asked::date and s.since <= asked::date and s.observed_at > %(observed_at)s
)

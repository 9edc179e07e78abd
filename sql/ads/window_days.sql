-- Makes a table of the slice's days that it may write, one row a day: those without a later merged observation.
-- Parameters: app, connection_id, stream, since, until, observed_at.
create temporary table window_days on commit drop as
select day::date as date
from generate_series(%(since)s::timestamp, %(until)s::timestamp, interval '1 day') as day
where not exists (
    select from ads.sync_slices s
    where s.app = %(app)s and s.connection_id = %(connection_id)s and s.stream = %(stream)s and s.state = 'merged'
      and s.until >= day::date and s.since <= day::date and s.observed_at > %(observed_at)s
)

-- One row: the sessions of an app by origin, over its last `days` days before `today` that were built.
select coalesce(sum(tracker), 0)::bigint as tracker, coalesce(sum(recomputed), 0)::bigint as recomputed,
    count(*) as days, min(day) as first, max(day) as last
from (
    select * from sessions.windows where app = %(app)s and day < %(today)s::date order by day desc limit %(days)s
) as latest

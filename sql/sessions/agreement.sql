-- Sessions of the last settled days, by origin.
select coalesce(sum(tracker), 0)::bigint as tracker, coalesce(sum(recomputed), 0)::bigint as recomputed,
    count(*) as days, min(day) as first, max(day) as last
from (select * from sessions.windows where day < %(today)s::date order by day desc limit %(days)s) as lately

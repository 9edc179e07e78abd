-- One row a day of an app's (app) organisation (org) in [start, end) of which people were erased: how many events of its
-- lake table (name) went at most. A killed erasure may have counted some of them twice.
select days.day::date as day, sum(deletions.rows)::bigint as rows
from generate_series(%(start)s::date, %(end)s::date - 1, interval '1 day') as days (day)
join retention.deletions
    on deletions.place = %(org)s || ' ' || to_char(days.day, 'YYYY-MM-DD')
where deletions.app = %(app)s and deletions.store = 'lake' and deletions.name = %(name)s and deletions.why = 'erased'
group by days.day

-- No rows. Adds requests of a UTC day (day), one array each: stores, classes, counts.
insert into health.requests as old (store, class, day, requests)
select store, class, %(day)s, counted
from unnest(%(stores)s::text[], %(classes)s::text[], %(counts)s::bigint[]) as given (store, class, counted)
on conflict (store, class, day) do update set requests = old.requests + excluded.requests

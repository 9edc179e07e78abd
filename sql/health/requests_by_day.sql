-- One row a store, class of request and UTC day from a day (since) on: how many requests of it were counted.
select store, class as kind, day, requests
from health.requests
where day >= %(since)s
order by store, class, day

-- One row a store and UTC day since a moment (since): its size at the newest sample of the day (bytes).
select distinct on (subject, at::date) subject as store, at::date as day, value as bytes
from health.samples
where measure = 'bytes' and at >= %(since)s
order by subject, at::date, at desc

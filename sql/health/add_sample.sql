-- No rows. Adds measurements of one moment (at), one array each: measures, subjects, sample_values.
insert into health.samples (measure, subject, at, value)
select measure, subject, %(at)s, value
from unnest(%(measures)s::text[], %(subjects)s::text[], %(sample_values)s::double precision[])
    as given (measure, subject, value)
on conflict (measure, subject, at) do update set value = excluded.value

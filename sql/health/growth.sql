-- One row a store: subject, its size at its newest sample (bytes), how much it grew a day (a_day) by a line through the
-- samples since a moment (since), and the days between the first and the last of them (days).
select
    subject,
    (array_agg(value order by at desc))[1] as bytes,
    coalesce(regr_slope(value, extract(epoch from at)::double precision), 0) * 86400 as a_day,
    extract(epoch from max(at) - min(at))::double precision / 86400 as days
from health.samples
where measure = 'bytes' and at >= %(since)s
group by subject

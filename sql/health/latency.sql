-- One row a store with enough looks: subject, the median of an hour (median) and the 99th percentile of a day (p99) until
-- a moment (at), in milliseconds. An hour has at least hour_looks, a day at least day_looks.
select
    subject,
    percentile_cont(0.5) within group (order by value) filter (where at > %(at)s - interval '1 hour') as median,
    percentile_cont(0.99) within group (order by value) as p99,
    count(*) filter (where at > %(at)s - interval '1 hour') >= %(hour_looks)s as median_is_known,
    count(*) >= %(day_looks)s as p99_is_known
from health.samples
where measure = 'milliseconds' and at > %(at)s - interval '1 day' and at <= %(at)s
group by subject

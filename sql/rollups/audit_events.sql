-- One row a group of an hour's events, for the audit: events, visitors, sessions, value. DuckDB runs it, because another
-- engine made the roll-ups. Table raw_events may hold doubles; parameters: start, end, largest_value (of an amount that
-- counts).
with distinct_events as (
    select * from raw_events
    where "timestamp" >= $start and "timestamp" < $end
    qualify row_number() over (partition by org_tag, event_id order by "timestamp") = 1
)
select
    org_tag,
    coalesce(event_type, '') as event_type,
    coalesce(utm_source, '') as utm_source,
    coalesce(utm_medium, '') as utm_medium,
    coalesce(utm_campaign, '') as utm_campaign,
    coalesce(device_type, '') as device_type,
    coalesce(geo_country, '') as geo_country,
    count(*)::bigint as events,
    count(distinct anonymous_id)::bigint as visitors,
    count(distinct session_id)::bigint as sessions,
    coalesce(sum(case when abs(event_value) < $largest_value then event_value::decimal(38, 6) end), 0)::double as "value"
from distinct_events
group by all

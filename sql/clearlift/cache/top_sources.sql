-- One row an organisation of the app and a range up to `today`: the 50 sources with the most events.
with counted as (
    select
        sources.org_tag,
        ranges.range,
        ranges.days,
        row_number() over (
            partition by sources.org_tag, ranges.range
            order by sum(sources.events) desc, sources.source, sources.utm_medium
        ) as rank,
        jsonb_build_object(
            'source', sources.source, 'medium', sources.utm_medium,
            'events', sum(sources.events), 'sessions', sum(sources.sessions),
            'daily_visitors', sum(sources.visitors), 'value', trim_scale(sum(sources.value))
        ) as source
    from (values ('1d', 1), ('7d', 7), ('30d', 30), ('90d', 90)) as ranges (range, days)
    inner join rollups.daily_sources as sources
        on sources.day > %(today)s::date - ranges.days and sources.day <= %(today)s::date
    -- The constant tells the planner how far back the ranges go; without it the whole history would be read.
    where sources.app = %(app)s and sources.day > %(today)s::date - 90
    group by sources.org_tag, ranges.range, ranges.days, sources.source, sources.utm_medium
)

select
    org_tag,
    range,
    jsonb_build_object(
        'from', %(today)s::date - days + 1, 'to', %(today)s::date, 'items', jsonb_agg(source order by rank)
    )::text as value,
    org_tag as tenant
from counted
where rank <= 50
group by org_tag, range, days
order by org_tag, range

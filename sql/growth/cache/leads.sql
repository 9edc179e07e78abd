-- One row a range up to `today`: the leads that came in it, by the source that brought them first and by their status.
-- Parameters: today.
with found as (
    select ranges.range, ranges.days, leads.first_source, leads.status, count(leads.id) as leads
    from (values ('7d', 7), ('30d', 30), ('90d', 90)) as ranges (range, days)
    left join marketing.leads
        on leads.created_at >= (%(today)s::date - ranges.days + 1)::timestamp at time zone 'UTC'
        and leads.created_at < (%(today)s::date + 1)::timestamp at time zone 'UTC'
    group by ranges.range, ranges.days, leads.first_source, leads.status
)

select
    range,
    jsonb_build_object(
        'from', %(today)s::date - days + 1,
        'to', %(today)s::date,
        'leads', sum(leads),
        'items', coalesce(
            jsonb_agg(
                jsonb_build_object('source', first_source, 'status', status, 'leads', leads)
                order by first_source, status
            ) filter (where first_source is not null),
            '[]'
        )
    )::text as value
from found
group by range, days
order by range

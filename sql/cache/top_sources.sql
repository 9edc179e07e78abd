select org_tag, jsonb_agg(source_row order by rank) as items
from (
    select
        org_tag,
        row_number() over (partition by org_tag order by sum(events) desc, source, utm_medium) as rank,
        jsonb_build_object(
            'source', source, 'medium', utm_medium,
            'events', sum(events), 'sessions', sum(sessions), 'daily_visitors', sum(visitors), 'value', sum(value)
        ) as source_row
    from rollups.daily_sources
    where day >= %(start)s and day < %(end)s
    group by org_tag, source, utm_medium
) as ranked
where rank <= %(top)s
group by org_tag

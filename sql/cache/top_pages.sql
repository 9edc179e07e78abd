select org_tag, jsonb_agg(page order by rank) as items
from (
    select
        org_tag,
        row_number() over (partition by org_tag order by sum(events) desc, page_hostname, page_path) as rank,
        jsonb_build_object(
            'hostname', page_hostname, 'path', page_path,
            'views', sum(events), 'sessions', sum(sessions), 'daily_visitors', sum(visitors)
        ) as page
    from rollups.daily_pages
    where day >= %(start)s and day < %(end)s
    group by org_tag, page_hostname, page_path
) as ranked
where rank <= %(top)s
group by org_tag

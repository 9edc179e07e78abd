-- One row an organisation of the app and a range up to `today`: the 50 most viewed pages.
with counted as (
    select
        pages.org_tag,
        ranges.range,
        ranges.days,
        row_number() over (
            partition by pages.org_tag, ranges.range
            order by sum(pages.events) desc, pages.page_hostname, pages.page_path
        ) as rank,
        jsonb_build_object(
            'hostname', pages.page_hostname, 'path', pages.page_path,
            'views', sum(pages.events), 'sessions', sum(pages.sessions), 'daily_visitors', sum(pages.visitors)
        ) as page
    from (values ('1d', 1), ('7d', 7), ('30d', 30), ('90d', 90)) as ranges (range, days)
    inner join rollups.daily_pages as pages
        on pages.day > %(today)s::date - ranges.days and pages.day <= %(today)s::date
    -- The constant tells the planner how far back the ranges go; without it the whole history would be read.
    where pages.app = %(app)s and pages.day > %(today)s::date - 90
    group by pages.org_tag, ranges.range, ranges.days, pages.page_hostname, pages.page_path
)

select
    org_tag,
    range,
    jsonb_build_object(
        'from', %(today)s::date - days + 1, 'to', %(today)s::date, 'items', jsonb_agg(page order by rank)
    )::text as value,
    org_tag as tenant
from counted
where rank <= 50
group by org_tag, range, days
order by org_tag, range

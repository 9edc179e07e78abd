-- One row an active organisation of the app (tags) and a range up to `today`: the 50 most viewed pages.
-- The sums of all, and of what is no longer among the 50, stand beside them, and the period before. That is null where
-- it began before the first roll-up.
with ranges as (
    select * from (values ('1d', 1), ('7d', 7), ('30d', 30), ('90d', 90)) as ranges (range, days)
),

known as (
    select min(window_start at time zone 'UTC')::date as since
    from rollups.windows
    where app = %(app)s and grain = 'daily' and org_tag = '' and built_at is not null
),

counted as (
    select
        pages.org_tag,
        ranges.range,
        pages.page_hostname,
        pages.page_path,
        coalesce(sum(pages.events) filter (where pages.day > %(today)s::date - ranges.days), 0) as views,
        coalesce(sum(pages.events) filter (where pages.day <= %(today)s::date - ranges.days), 0) as previous_views,
        coalesce(sum(pages.sessions) filter (where pages.day > %(today)s::date - ranges.days), 0) as daily_sessions,
        coalesce(sum(pages.sessions) filter (where pages.day <= %(today)s::date - ranges.days), 0)
            as previous_daily_sessions,
        coalesce(sum(pages.visitors) filter (where pages.day > %(today)s::date - ranges.days), 0) as daily_visitors,
        coalesce(sum(pages.visitors) filter (where pages.day <= %(today)s::date - ranges.days), 0)
            as previous_daily_visitors
    from ranges
    inner join rollups.daily_pages as pages
        on pages.day > %(today)s::date - 2 * ranges.days and pages.day <= %(today)s::date
    -- The constant tells the planner how far back the ranges go; without it the whole history would be read.
    where pages.app = %(app)s and pages.day > %(today)s::date - 180
    group by pages.org_tag, ranges.range, pages.page_hostname, pages.page_path
),

ranked as (
    select
        *,
        views > 0 as present,
        row_number() over (
            partition by org_tag, range
            order by views desc, page_hostname, page_path
        ) as rank
    from counted
)

select
    tag as org_tag,
    ranges.range,
    jsonb_build_object(
        'from', %(today)s::date - ranges.days + 1,
        'to', %(today)s::date,
        'totals', jsonb_build_object(
            'pages', count(*) filter (where present),
            'views', coalesce(sum(views), 0),
            'daily_sessions', coalesce(sum(daily_sessions), 0),
            'daily_visitors', coalesce(sum(daily_visitors), 0)
        ),
        'items', coalesce(
            jsonb_agg(
                jsonb_build_object(
                    'hostname', page_hostname,
                    'path', page_path,
                    'views', views,
                    'daily_sessions', daily_sessions,
                    'daily_visitors', daily_visitors,
                    'previous', case when known.since <= %(today)s::date - 2 * ranges.days + 1 then jsonb_build_object(
                        'views', previous_views,
                        'daily_sessions', previous_daily_sessions,
                        'daily_visitors', previous_daily_visitors
                    ) end
                ) order by rank
            ) filter (where present and rank <= 50),
            '[]'
        ),
        'rest', jsonb_build_object(
            'pages', count(*) filter (where present and rank > 50),
            'views', coalesce(sum(views) filter (where present and rank > 50), 0),
            'daily_sessions', coalesce(sum(daily_sessions) filter (where present and rank > 50), 0),
            'daily_visitors', coalesce(sum(daily_visitors) filter (where present and rank > 50), 0)
        ),
        'previous', case when known.since <= %(today)s::date - 2 * ranges.days + 1 then jsonb_build_object(
            'from', %(today)s::date - 2 * ranges.days + 1,
            'to', %(today)s::date - ranges.days,
            'views', coalesce(sum(previous_views), 0),
            'daily_sessions', coalesce(sum(previous_daily_sessions), 0),
            'daily_visitors', coalesce(sum(previous_daily_visitors), 0)
        ) end
    )::text as value,
    tag as tenant
from unnest(%(tags)s::text[]) as tag
cross join ranges
cross join known
left join ranked on ranked.org_tag = tag and ranked.range = ranges.range
group by tag, ranges.range, ranges.days, known.since
order by tag, ranges.range

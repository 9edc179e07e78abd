-- One row an active organisation of the app (tags) and a range up to `today`: totals of whole UTC days and of the period
-- before (previous), and the sketches that give the distinct counts when they are merged. previous_known: whether that
-- period has roll-ups from its first day on.
with ranges as (
    select * from (values ('1d', 1), ('7d', 7), ('30d', 30), ('90d', 90)) as ranges (range, days)
),

known as (
    select min(window_start at time zone 'UTC')::date as since
    from rollups.windows
    where app = %(app)s and grain = 'daily' and org_tag = '' and built_at is not null
),

views as (
    select org_tag, day, sum(events) as page_views
    from rollups.daily
    where app = %(app)s and day > %(today)s::date - 180 and day <= %(today)s::date and event_type = 'page_view'
        and org_tag = any(%(tags)s::text[])
    group by org_tag, day
),

counted as (
    select
        totals.org_tag,
        ranges.range,
        totals.day > %(today)s::date - ranges.days as present,
        sum(totals.events)::bigint as events,
        coalesce(sum(views.page_views), 0)::bigint as page_views,
        sum(totals.value) as value,
        array_agg(totals.visitor_sketch) as visitor_sketches,
        array_agg(totals.session_sketch) as session_sketches
    from ranges
    inner join rollups.daily_totals as totals
        on totals.day > %(today)s::date - 2 * ranges.days and totals.day <= %(today)s::date
    left join views on views.org_tag = totals.org_tag and views.day = totals.day
    -- The constant tells the planner how far back the ranges go; without it the whole history would be read.
    where totals.app = %(app)s and totals.day > %(today)s::date - 180 and totals.org_tag = any(%(tags)s::text[])
    group by totals.org_tag, ranges.range, present
)

select
    tag as org_tag,
    ranges.range,
    period.present,
    case when period.present then %(today)s::date - ranges.days + 1 else %(today)s::date - 2 * ranges.days + 1 end
        as start,
    case when period.present then %(today)s::date else %(today)s::date - ranges.days end as until,
    coalesce(known.since <= %(today)s::date - 2 * ranges.days + 1, false) as previous_known,
    coalesce(counted.events, 0) as events,
    coalesce(counted.page_views, 0) as page_views,
    coalesce(counted.value, 0) as value,
    coalesce(counted.visitor_sketches, '{}') as visitor_sketches,
    coalesce(counted.session_sketches, '{}') as session_sketches
from unnest(%(tags)s::text[]) as tag
cross join ranges
cross join known
cross join (values (true), (false)) as period (present)
left join counted on counted.org_tag = tag and counted.range = ranges.range and counted.present = period.present
order by tag, ranges.range, period.present desc

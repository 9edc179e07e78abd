-- One row an organisation of the app and a range up to `today`: totals of whole UTC days, and the sketches that give the
-- distinct counts when they are merged.
with views as (
    select org_tag, day, sum(events) as page_views
    from rollups.daily
    where app = %(app)s and day > %(today)s::date - 90 and day <= %(today)s::date and event_type = 'page_view'
    group by org_tag, day
)

select
    totals.org_tag,
    ranges.range,
    %(today)s::date - ranges.days + 1 as start,
    sum(totals.events)::bigint as events,
    coalesce(sum(views.page_views), 0)::bigint as page_views,
    sum(totals.value) as value,
    array_agg(totals.visitor_sketch) as visitor_sketches,
    array_agg(totals.session_sketch) as session_sketches
from (values ('1d', 1), ('7d', 7), ('30d', 30), ('90d', 90)) as ranges (range, days)
inner join rollups.daily_totals as totals
    on totals.day > %(today)s::date - ranges.days and totals.day <= %(today)s::date
left join views on views.org_tag = totals.org_tag and views.day = totals.day
-- The constant tells the planner how far back the ranges go; without it the whole history would be read.
where totals.app = %(app)s and totals.day > %(today)s::date - 90
group by totals.org_tag, ranges.range, ranges.days
order by totals.org_tag, ranges.range

-- One row an organisation: totals over whole UTC days, and the sketches that its distinct counts are merged from.
select
    totals.org_tag,
    sum(totals.events)::bigint as events,
    coalesce(max(views.page_views), 0)::bigint as page_views,
    sum(totals.value) as value,
    array_agg(totals.visitor_sketch) as visitor_sketches,
    array_agg(totals.session_sketch) as session_sketches
from rollups.daily_totals as totals
left join (
    select org_tag, sum(events) as page_views
    from rollups.daily
    where day >= %(start)s and day < %(end)s and event_type = 'page_view'
    group by org_tag
) as views using (org_tag)
where totals.day >= %(start)s and totals.day < %(end)s
group by totals.org_tag
order by totals.org_tag

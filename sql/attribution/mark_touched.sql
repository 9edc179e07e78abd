-- Marks the days whose credits the changed touches may change: their own day, the next one (a session may go on there),
-- and those of their visitors' conversions within the window. Parameters: app, default_days.
update attribution.windows
set changed = changed + 1
where app = %(app)s and day in (
    select t.day + away from changed_touches t cross join generate_series(0, 1) as away
    union
    select c.day
    from changed_touches t
    left join attribution.organizations o on o.app = %(app)s and o.org_tag = t.org_tag
    join attribution.conversions c on c.app = %(app)s and c.org_tag = t.org_tag and c.visitor = t.visitor
        and c.at >= t.at and c.at <= t.at + make_interval(days => coalesce(o.window_days, %(default_days)s) + 2)
)

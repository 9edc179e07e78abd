-- The days whose credits changed touches may change: their own, the next (whose sessions may go theirs on), and those of
-- their visitors' conversions within the window.
update attribution.windows
set changed = changed + 1
where day in (
    select t.day + away from changed_touches t cross join generate_series(0, 1) as away
    union
    select c.day
    from changed_touches t
    left join attribution.organizations o using (org_tag)
    join attribution.conversions c on c.org_tag = t.org_tag and c.visitor = t.visitor and c.at >= t.at
        and c.at <= t.at + make_interval(days => coalesce(o.window_days, %(default_days)s) + 2)
)

-- Marks the days whose credits the changed touches and sign-ins may change: a touch's own day and the next two (its
-- session may go on there), and those of the conversions within the window of its browser, and of the browsers that share
-- a person with it. Parameters: app, default_days.
with person as (
    select c.browser, c.at, c.person from changed_touches c where c.person is not null
    union
    select c.browser, c.at, s.person
    from changed_touches c
    join attribution.sign_ins s on s.app = %(app)s and s.visitor = c.browser
), concerned as (
    select browser, at from changed_touches
    union
    select s.visitor, p.at
    from person p
    join attribution.sign_ins s on s.app = %(app)s and s.person = p.person
)
update attribution.windows
set changed = changed + 1
where app = %(app)s and day in (
    select t.day + away from changed_touches t cross join generate_series(0, 2) as away where t.person is null
    union
    select c.day
    from concerned t
    join attribution.conversions c on c.app = %(app)s and c.browser = t.browser and c.at >= t.at
    left join attribution.organizations o on o.app = %(app)s and o.org_tag = c.org_tag
    where c.at <= t.at + make_interval(days => coalesce(o.window_days, %(default_days)s) + 3)
)

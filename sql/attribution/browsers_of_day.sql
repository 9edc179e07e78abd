-- Makes the table `browsers_of_day`. One row is a browser whose touches a conversion of a UTC day may be credited to: its
-- own, and those of the same person by the conversion's moment, where the organisation joins devices. A browser with which
-- two persons were signed in within the window stands alone, because nobody knows whose a touch is.
-- Parameters: app, day, default_days.
create temporary table browsers_of_day on commit drop as
with converted as (
    select c.org_tag, c.event, c.browser, c.at, coalesce(o.join_devices, true) as join_devices,
        c.at - make_interval(days => coalesce(o.window_days, %(default_days)s)) as since
    from attribution.counted_conversions c
    left join attribution.organizations o on o.app = c.app and o.org_tag = c.org_tag
    where c.app = %(app)s and c.day = %(day)s and c.browser is not null
), signed_in as (
    select c.org_tag, c.event, c.browser, c.at, c.since, (array_agg(s.person))[1] as person
    from converted c
    join attribution.sign_ins s on s.app = %(app)s and s.visitor = c.browser
        and s.first_at <= c.at and s.last_at >= c.since
    where c.join_devices
    group by c.org_tag, c.event, c.browser, c.at, c.since
    having count(distinct s.person) = 1
)
select org_tag, event, browser from converted
union
select p.org_tag, p.event, s.visitor
from signed_in p
join attribution.sign_ins s on s.app = %(app)s and s.person = p.person
    and s.first_at <= p.at and s.last_at >= p.since
where not exists (
    select from attribution.sign_ins other
    where other.app = %(app)s and other.visitor = s.visitor and other.person <> p.person
      and other.first_at <= p.at and other.last_at >= p.since
)

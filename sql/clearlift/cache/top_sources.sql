-- One row is a day of a source: its events, which cache/ranking.sql ranks and sums. A host that the organisation calls its
-- own is no source, under the name either by which roll-ups know it (assets/rollups/landing.py); the medium tells a visit
-- from a host of Google's apart from utm_source=google. Parameter: app.
select
    sources.org_tag,
    sources.day,
    case
        when exists (
            select from unnest(settled.own_hosts) as host
            cross join lateral (select regexp_replace(
                regexp_replace(host, '^(www|m|l|lm)\.', ''), '^google\.(com?\.)?[a-z]{2,3}$', 'google'
            ) as folded) as known
            where sources.source = host or right(sources.source, length(host) + 1) = '.' || host
                or sources.source = folded and (folded <> 'google' or sources.utm_medium = '')
        ) then 'direct'
        else sources.source
    end as source,
    sources.utm_medium as medium,
    sources.events,
    sources.sessions as daily_sessions,
    sources.visitors as daily_visitors,
    sources.value as event_value_sum
from rollups.daily_sources as sources
left join attribution.organizations as settled on settled.app = sources.app and settled.org_tag = sources.org_tag
where sources.app = %(app)s

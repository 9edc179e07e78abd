-- One row is a day of a source: its events, which cache/ranking.sql ranks and sums. A host that the organisation calls its
-- own is no source. Parameter: app.
select
    sources.org_tag,
    sources.day,
    case
        when exists (
            select from unnest(settled.own_hosts) as host
            where sources.source = host or right(sources.source, length(host) + 1) = '.' || host
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

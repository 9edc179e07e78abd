-- One row an active organisation of the app (tags) and a range up to `today`: the 50 sources with the most events. A
-- host that the organisation calls its own is no source. The sums of all, and of what is no longer among the 50, stand
-- beside them, and the period before. That is null where it began before the first roll-up.
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
        sources.org_tag,
        ranges.range,
        named.source,
        sources.utm_medium,
        coalesce(sum(sources.events) filter (where sources.day > %(today)s::date - ranges.days), 0) as events,
        coalesce(sum(sources.events) filter (where sources.day <= %(today)s::date - ranges.days), 0) as previous_events,
        coalesce(sum(sources.sessions) filter (where sources.day > %(today)s::date - ranges.days), 0) as daily_sessions,
        coalesce(sum(sources.sessions) filter (where sources.day <= %(today)s::date - ranges.days), 0)
            as previous_daily_sessions,
        coalesce(sum(sources.visitors) filter (where sources.day > %(today)s::date - ranges.days), 0) as daily_visitors,
        coalesce(sum(sources.visitors) filter (where sources.day <= %(today)s::date - ranges.days), 0)
            as previous_daily_visitors,
        coalesce(sum(sources.value) filter (where sources.day > %(today)s::date - ranges.days), 0) as event_value_sum,
        coalesce(sum(sources.value) filter (where sources.day <= %(today)s::date - ranges.days), 0)
            as previous_event_value_sum
    from ranges
    inner join rollups.daily_sources as sources
        on sources.day > %(today)s::date - 2 * ranges.days and sources.day <= %(today)s::date
    left join attribution.organizations as settled on settled.app = sources.app and settled.org_tag = sources.org_tag
    cross join lateral (
        select
            case
                when exists (
                    select from unnest(settled.own_hosts) as host
                    where sources.source = host or right(sources.source, length(host) + 1) = '.' || host
                ) then 'direct'
                else sources.source
            end as source
    ) as named
    -- The constant tells the planner how far back the ranges go; without it the whole history would be read.
    where sources.app = %(app)s and sources.day > %(today)s::date - 180
    group by sources.org_tag, ranges.range, named.source, sources.utm_medium
),

ranked as (
    select
        *,
        events > 0 as present,
        row_number() over (
            partition by org_tag, range
            order by events desc, source, utm_medium
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
            'sources', count(*) filter (where present),
            'events', coalesce(sum(events), 0),
            'daily_sessions', coalesce(sum(daily_sessions), 0),
            'daily_visitors', coalesce(sum(daily_visitors), 0),
            'event_value_sum', trim_scale(coalesce(sum(event_value_sum), 0))
        ),
        'items', coalesce(
            jsonb_agg(
                jsonb_build_object(
                    'source', source,
                    'medium', utm_medium,
                    'events', events,
                    'daily_sessions', daily_sessions,
                    'daily_visitors', daily_visitors,
                    'event_value_sum', trim_scale(event_value_sum),
                    'previous', case when known.since <= %(today)s::date - 2 * ranges.days + 1 then jsonb_build_object(
                        'events', previous_events,
                        'daily_sessions', previous_daily_sessions,
                        'daily_visitors', previous_daily_visitors,
                        'event_value_sum', trim_scale(previous_event_value_sum)
                    ) end
                ) order by rank
            ) filter (where present and rank <= 50),
            '[]'
        ),
        'rest', jsonb_build_object(
            'sources', count(*) filter (where present and rank > 50),
            'events', coalesce(sum(events) filter (where present and rank > 50), 0),
            'daily_sessions', coalesce(sum(daily_sessions) filter (where present and rank > 50), 0),
            'daily_visitors', coalesce(sum(daily_visitors) filter (where present and rank > 50), 0),
            'event_value_sum', trim_scale(coalesce(sum(event_value_sum) filter (where present and rank > 50), 0))
        ),
        'previous', case when known.since <= %(today)s::date - 2 * ranges.days + 1 then jsonb_build_object(
            'from', %(today)s::date - 2 * ranges.days + 1,
            'to', %(today)s::date - ranges.days,
            'events', coalesce(sum(previous_events), 0),
            'daily_sessions', coalesce(sum(previous_daily_sessions), 0),
            'daily_visitors', coalesce(sum(previous_daily_visitors), 0),
            'event_value_sum', trim_scale(coalesce(sum(previous_event_value_sum), 0))
        ) end
    )::text as value,
    tag as tenant
from unnest(%(tags)s::text[]) as tag
cross join ranges
cross join known
left join ranked on ranked.org_tag = tag and ranked.range = ranges.range
group by tag, ranges.range, ranges.days, known.since
order by tag, ranges.range

-- One row an active organisation of the app (tags) and a range up to `today`: the 50 campaigns with the most events.
-- The sums of all, and of what is no longer among the 50, stand beside them, and the period before. That is null where
-- it began before the first roll-up.
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
        campaigns.org_tag,
        ranges.range,
        campaigns.utm_campaign,
        campaigns.utm_source,
        campaigns.utm_medium,
        coalesce(sum(campaigns.events) filter (where campaigns.day > %(today)s::date - ranges.days), 0) as events,
        coalesce(sum(campaigns.events) filter (where campaigns.day <= %(today)s::date - ranges.days), 0)
            as previous_events,
        coalesce(sum(campaigns.sessions) filter (where campaigns.day > %(today)s::date - ranges.days), 0)
            as daily_sessions,
        coalesce(sum(campaigns.sessions) filter (where campaigns.day <= %(today)s::date - ranges.days), 0)
            as previous_daily_sessions,
        coalesce(sum(campaigns.visitors) filter (where campaigns.day > %(today)s::date - ranges.days), 0)
            as daily_visitors,
        coalesce(sum(campaigns.visitors) filter (where campaigns.day <= %(today)s::date - ranges.days), 0)
            as previous_daily_visitors,
        coalesce(sum(campaigns.value) filter (where campaigns.day > %(today)s::date - ranges.days), 0)
            as event_value_sum,
        coalesce(sum(campaigns.value) filter (where campaigns.day <= %(today)s::date - ranges.days), 0)
            as previous_event_value_sum
    from ranges
    inner join rollups.daily_campaigns as campaigns
        on campaigns.day > %(today)s::date - 2 * ranges.days and campaigns.day <= %(today)s::date
    -- The constant tells the planner how far back the ranges go; without it the whole history would be read.
    where campaigns.app = %(app)s and campaigns.day > %(today)s::date - 180
    group by campaigns.org_tag, ranges.range, campaigns.utm_campaign, campaigns.utm_source, campaigns.utm_medium
),

ranked as (
    select
        *,
        events > 0 as present,
        row_number() over (
            partition by org_tag, range
            order by events desc, utm_campaign, utm_source, utm_medium
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
            'campaigns', count(*) filter (where present),
            'events', coalesce(sum(events), 0),
            'daily_sessions', coalesce(sum(daily_sessions), 0),
            'daily_visitors', coalesce(sum(daily_visitors), 0),
            'event_value_sum', trim_scale(coalesce(sum(event_value_sum), 0))
        ),
        'items', coalesce(
            jsonb_agg(
                jsonb_build_object(
                    'campaign', utm_campaign,
                    'source', utm_source,
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
            'campaigns', count(*) filter (where present and rank > 50),
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

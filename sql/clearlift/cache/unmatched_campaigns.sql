-- One row an active organisation of the app (tags) and a range up to `today`: the 50 values of utm_campaign with the most
-- touches that name no campaign, or several. Each has up to three campaigns that it resembles: those whose names share
-- three tenths of their trigrams (three signs in a row) with it, the nearest first.
with ranges as (
    select * from (values ('1d', 1), ('7d', 7), ('30d', 30), ('90d', 90)) as ranges (range, days)
),

counted as (
    select
        touches.org_tag, ranges.range, organizations.org_id, touches.utm_campaign, touches.reason,
        count(*) as touches,
        max(touches.day) as last_day,
        row_number() over (
            partition by touches.org_tag, ranges.range order by count(*) desc, touches.utm_campaign, touches.reason
        ) as rank
    from ranges
    inner join attribution.touches
        on touches.day > %(today)s::date - ranges.days and touches.day <= %(today)s::date
    inner join attribution.organizations
        on organizations.app = touches.app and organizations.org_tag = touches.org_tag
    -- The constant tells the planner how far back the ranges go; without it the whole history would be read.
    where
        touches.app = %(app)s and touches.day > %(today)s::date - 90
        and touches.reason in ('unknown_campaign', 'ambiguous_campaign') and touches.utm_campaign <> ''
    group by touches.org_tag, ranges.range, organizations.org_id, touches.utm_campaign, touches.reason
),

texts as (
    select distinct org_id, utm_campaign as text, '' as campaign_id from counted where rank <= 50
    union all
    select org_id, name, id from ads.campaigns
    where app = %(app)s and org_id in (select org_id from counted)
),

trigrams as (
    select org_id, text, campaign_id, trigram, count(*) over (partition by org_id, text, campaign_id) as trigrams
    from (
        select distinct texts.*, substr('  ' || lower(text) || ' ', place, 3) as trigram
        from texts
        cross join lateral generate_series(1, length(text) + 1) as place
    ) as parts
),

resembling as (
    select
        of_value.org_id,
        of_value.text as utm_campaign,
        of_name.campaign_id,
        of_name.text as name,
        count(*)::numeric / (max(of_value.trigrams) + max(of_name.trigrams) - count(*)) as likeness
    from trigrams as of_value
    inner join trigrams as of_name using (org_id, trigram)
    where of_value.campaign_id = '' and of_name.campaign_id <> ''
    group by of_value.org_id, of_value.text, of_name.campaign_id, of_name.text
),

nearest as (
    select
        org_id,
        utm_campaign,
        jsonb_agg(jsonb_build_object('campaign_id', campaign_id, 'campaign', name) order by place) as campaigns
    from (
        select
            *, row_number() over (partition by org_id, utm_campaign order by likeness desc, campaign_id) as place
        from resembling
        where likeness >= 0.3
    ) as placed
    where place <= 3
    group by org_id, utm_campaign
)

select
    tag as org_tag,
    ranges.range,
    jsonb_build_object(
        'from', %(today)s::date - ranges.days + 1,
        'to', %(today)s::date,
        'items', coalesce(
            jsonb_agg(
                jsonb_build_object(
                    'utm_campaign', counted.utm_campaign, 'reason', reason, 'touches', touches, 'last_day', last_day,
                    'resembles', coalesce(nearest.campaigns, '[]')
                ) order by rank
            ) filter (where rank <= 50),
            '[]'
        )
    )::text as value,
    tag as tenant
from unnest(%(tags)s::text[]) as tag
cross join ranges
left join counted on counted.org_tag = tag and counted.range = ranges.range
left join nearest on nearest.org_id = counted.org_id and nearest.utm_campaign = counted.utm_campaign
group by tag, ranges.range, ranges.days
order by tag, ranges.range

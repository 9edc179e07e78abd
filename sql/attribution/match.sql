-- The campaign of each touch in `rematched`: whose click it is; else what utm_campaign names on the platform that the
-- click id or utm_source tells of, or on any where they tell of none: an id before a name, and one campaign only.
with asked as (
    select t.day, t.org_tag, t.visitor, t.session, t.named_platform, t.click, t.utm_campaign, o.org_id
    from rematched r
    join attribution.touches t using (day, org_tag, visitor, session)
    left join attribution.organizations o using (org_tag)
), named as (
    select a.day, a.org_tag, a.visitor, a.session, l.platform, l.account_id, l.campaign_id,
        rank() over (partition by a.day, a.org_tag, a.visitor, a.session order by l.kind = 'name') as place
    from asked a
    join attribution.labels l on l.org_id = a.org_id and md5(l.label) = md5(a.utm_campaign) and l.label = a.utm_campaign
    where a.named_platform in ('', l.platform)
), by_name as (
    select day, org_tag, visitor, session, count(distinct campaign_id) as campaigns, min(platform) as platform,
        min(account_id) as account_id, min(campaign_id) as campaign_id
    from named
    where place = 1
    group by day, org_tag, visitor, session
), found as (
    select a.day, a.org_tag, a.visitor, a.session,
        case
            when k.click is not null or n.campaigns = 1 then ''
            when n.campaigns > 1 then 'ambiguous_campaign'
            when a.utm_campaign <> '' then 'unknown_campaign'
            else 'unknown_click'
        end as reason,
        coalesce(k.platform, n.platform) as platform,
        coalesce(k.account_id, n.account_id) as account_id,
        coalesce(k.campaign_id, n.campaign_id) as campaign_id
    from asked a
    left join attribution.clicks k on k.org_id = a.org_id and k.click = a.click and k.platform = a.named_platform
    left join by_name n using (day, org_tag, visitor, session)
), matched as (
    select day, org_tag, visitor, session, reason,
        case when reason = '' then platform else '' end as platform,
        case when reason = '' then account_id else '' end as account_id,
        case when reason = '' then campaign_id else '' end as campaign_id
    from found
), written as (
    update attribution.touches t
    set platform = m.platform, account_id = m.account_id, campaign_id = m.campaign_id, reason = m.reason
    from matched m
    where t.day = m.day and t.org_tag = m.org_tag and t.visitor = m.visitor and t.session = m.session
      and (t.platform, t.account_id, t.campaign_id, t.reason)
          is distinct from (m.platform, m.account_id, m.campaign_id, m.reason)
    returning t.day, t.org_tag, t.visitor, t.at
)
insert into changed_touches select * from written

-- Writes the campaign of each touch in `rematched` where it differs: the one whose click it is; else the one that
-- utm_campaign names on the platform of the click id or of utm_source, or on any platform where neither is known. An id
-- counts before a name, and only if one campaign has it. The ad is the click's, else the one of the campaign that
-- utm_content names, by the same rule. Changed touches go to changed_touches. Parameter: app.
with wanted as (
    select t.day, t.org_tag, t.visitor, t.session, t.named_platform, t.click, t.utm_campaign, t.utm_content,
        o.org_id
    from rematched r
    join attribution.touches t using (day, org_tag, visitor, session)
    left join attribution.organizations o on o.app = t.app and o.org_tag = t.org_tag
    where t.app = %(app)s
), named as (
    select w.day, w.org_tag, w.visitor, w.session, l.platform, l.account_id, l.campaign_id,
        rank() over (partition by w.day, w.org_tag, w.visitor, w.session order by l.kind = 'name') as place
    from wanted w
    join attribution.labels l
        on l.org_id = w.org_id and md5(l.label) = md5(w.utm_campaign) and l.label = w.utm_campaign
    where l.app = %(app)s and w.named_platform in ('', l.platform)
), by_name as (
    select day, org_tag, visitor, session, count(distinct campaign_id) as campaigns, min(platform) as platform,
        min(account_id) as account_id, min(campaign_id) as campaign_id
    from named
    where place = 1
    group by day, org_tag, visitor, session
), judged as (
    select w.day, w.org_tag, w.visitor, w.session,
        case
            when k.click is not null or n.campaigns = 1 then ''
            when n.campaigns > 1 then 'ambiguous_campaign'
            when w.utm_campaign <> '' then 'unknown_campaign'
            else 'unknown_click'
        end as reason,
        coalesce(k.platform, n.platform) as platform,
        coalesce(k.account_id, n.account_id) as account_id,
        coalesce(k.campaign_id, n.campaign_id) as campaign_id,
        k.ad_id, w.org_id, w.utm_content
    from wanted w
    left join attribution.clicks k
        on k.app = %(app)s and k.org_id = w.org_id and k.click = w.click and k.platform = w.named_platform
    left join by_name n using (day, org_tag, visitor, session)
), ad_named as (
    select j.day, j.org_tag, j.visitor, j.session, l.ad_id,
        rank() over (partition by j.day, j.org_tag, j.visitor, j.session order by array_position(array['id', 'tag', 'name'], l.kind))
            as place
    from judged j
    join attribution.ad_labels l
        on l.org_id = j.org_id and l.campaign_id = j.campaign_id and md5(l.label) = md5(j.utm_content)
        and l.label = j.utm_content
    where l.app = %(app)s and j.reason = ''
), by_content as (
    select day, org_tag, visitor, session, min(ad_id) as ad_id
    from ad_named
    where place = 1
    group by day, org_tag, visitor, session
    having count(distinct ad_id) = 1
), matched as (
    select j.day, j.org_tag, j.visitor, j.session, j.reason,
        case when j.reason = '' then j.platform else '' end as platform,
        case when j.reason = '' then j.account_id else '' end as account_id,
        case when j.reason = '' then j.campaign_id else '' end as campaign_id,
        coalesce(nullif(j.ad_id, ''), c.ad_id, '') as ad_id
    from judged j
    left join by_content c using (day, org_tag, visitor, session)
), written as (
    update attribution.touches t
    set platform = m.platform, account_id = m.account_id, campaign_id = m.campaign_id, reason = m.reason,
        ad_id = m.ad_id
    from matched m
    where t.app = %(app)s and t.day = m.day and t.org_tag = m.org_tag and t.visitor = m.visitor
      and t.session = m.session
      and (t.platform, t.account_id, t.campaign_id, t.reason, t.ad_id)
          is distinct from (m.platform, m.account_id, m.campaign_id, m.reason, m.ad_id)
    returning t.day, t.org_tag, t.visitor, t.at
)
insert into changed_touches select * from written

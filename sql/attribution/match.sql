-- Writes the campaign of each touch in `rematched` where it differs, and its ad; changed touches go to changed_touches.
-- The surest of what names a campaign decides, and only if it names one: (0) the click; (1) an id in the address;
-- (2) utm_campaign as an id; (3) an ad's id; then utm_campaign as a name, (4) of a campaign that lived under it at the time
-- of the touch, (6) that had given it up before, (8) that had it later, each time first in the same case. It is looked for
-- on the platform that the touch names, on any where it names none. Names and ads are looked up for each touch, because
-- nothing tells the planner how many touches name one: it compared each touch with each. Parameter: app.
with wanted as (
    select t.*, o.org_id
    from rematched r
    join attribution.touches t using (day, org_tag, visitor, session, at)
    left join attribution.organizations o on o.app = t.app and o.org_tag = t.org_tag
    where t.app = %(app)s
), judged as (
    select w.day, w.org_tag, w.visitor, w.session, w.at, w.org_id, w.utm_content, w.content_key, w.ad_id_key,
        case
            when k.click is not null or n.campaigns = 1 then ''
            when n.campaigns > 1 then 'ambiguous_campaign'
            when coalesce(w.campaign_key, w.campaign_id_key, w.ad_id_key) is not null then 'unknown_campaign'
            else 'unknown_click'
        end as reason,
        coalesce(k.platform, n.platform) as platform,
        coalesce(k.account_id, n.account_id) as account_id,
        coalesce(k.campaign_id, n.campaign_id) as campaign_id,
        nullif(k.ad_id, '') as ad_id
    from wanted w
    left join attribution.clicks k
        on k.app = %(app)s and k.org_id = w.org_id and k.click = w.click and k.platform = w.named_platform
    cross join lateral (
        select count(distinct campaign_id) as campaigns, min(platform) as platform, min(account_id) as account_id,
            min(campaign_id) as campaign_id
        from (
            select platform, account_id, campaign_id
            from (
                select l.platform, l.account_id, l.campaign_id, 1 as rank
                from attribution.labels l
                where l.app = %(app)s and l.org_id = w.org_id and l.key = w.campaign_id_key and l.kind = 'id'
                union all
                select l.platform, l.account_id, l.campaign_id,
                    case
                        when l.kind = 'id' then 2
                        when w.at < l.since then 8
                        when w.at >= l.until then 6
                        else 4
                    end + (l.label <> w.utm_campaign)::integer
                from attribution.labels l
                where l.app = %(app)s and l.org_id = w.org_id and l.key = w.campaign_key
                union all
                select max(c.platform), max(c.account_id), max(c.id), 3
                from attribution.ad_labels l
                join ads.campaigns c on c.app = l.app and c.org_id = l.org_id and c.id = l.campaign_id
                where l.app = %(app)s and l.org_id = w.org_id and l.key = w.ad_id_key and l.kind = 'id'
                  and w.named_platform in ('', c.platform)
                having count(distinct c.id) = 1
            ) as naming
            where w.named_platform in ('', platform)
            order by rank
            fetch first row with ties
        ) as surest
    ) as n
), matched as (
    select j.day, j.org_tag, j.visitor, j.session, j.at, j.reason,
        case when j.reason = '' then j.platform else '' end as platform,
        case when j.reason = '' then j.account_id else '' end as account_id,
        case when j.reason = '' then j.campaign_id else '' end as campaign_id,
        coalesce(j.ad_id, c.ad_id, '') as ad_id
    from judged j
    cross join lateral (
        select case when count(distinct ad_id) = 1 then min(ad_id) end as ad_id
        from (
            select l.ad_id
            from attribution.ad_labels l
            where j.reason = '' and j.ad_id is null
              and l.app = %(app)s and l.org_id = j.org_id and l.campaign_id = j.campaign_id
              and l.key in (j.content_key, j.ad_id_key) and (l.key = j.content_key or l.kind = 'id')
            order by array_position(array['id', 'tag', 'name'], l.kind), l.key is distinct from j.ad_id_key,
                l.kind <> 'id' and l.label <> j.utm_content
            fetch first row with ties
        ) as surest
    ) as c
), written as (
    update attribution.touches t
    set platform = m.platform, account_id = m.account_id, campaign_id = m.campaign_id, reason = m.reason,
        ad_id = m.ad_id
    from matched m
    where t.app = %(app)s and t.day = m.day and t.org_tag = m.org_tag and t.visitor = m.visitor
      and t.session = m.session and t.at = m.at
      and (t.platform, t.account_id, t.campaign_id, t.reason, t.ad_id)
          is distinct from (m.platform, m.account_id, m.campaign_id, m.reason, m.ad_id)
    returning t.day, t.browser, t.at
)
insert into changed_touches (day, browser, at) select * from written

-- One row is a day on which the level below exceeds the one above, which cannot be: a campaign and its ad groups, an ad
-- group and its ads, or its keywords. The other way is right: not all that an ad group spends has a keyword, and not all
-- that a campaign spends has an ad group. Each row of spend may be rounded by half a coin.
-- Parameters: app, platform, since and until (both included), whole (currencies without a smaller coin than one).
with upper as (
    select f.org_id, 'campaign' as level, f.campaign_id as id, f.date, f.spend, f.clicks, f.impressions
    from ads.campaign_metrics_daily f
    where f.app = %(app)s and f.platform = %(platform)s and f.date between %(since)s and %(until)s
    union all
    select f.org_id, 'ad_group', f.ad_group_id, f.date, f.spend, f.clicks, f.impressions
    from ads.ad_group_metrics_daily f
    where f.app = %(app)s and f.platform = %(platform)s and f.date between %(since)s and %(until)s
), lower as (
    select f.org_id, 'campaign' as level, 'ad_group' as below, g.campaign_id as id, f.date, f.currency, f.spend,
        f.clicks, f.impressions
    from ads.ad_group_metrics_daily f
    join ads.ad_groups g on g.app = f.app and g.org_id = f.org_id and g.id = f.ad_group_id
    where f.app = %(app)s and f.platform = %(platform)s and f.date between %(since)s and %(until)s
    union all
    select f.org_id, 'ad_group', 'ad', a.ad_group_id, f.date, f.currency, f.spend, f.clicks, f.impressions
    from ads.ad_metrics_daily f
    join ads.ads a on a.app = f.app and a.org_id = f.org_id and a.id = f.ad_id
    where f.app = %(app)s and f.platform = %(platform)s and f.date between %(since)s and %(until)s
    union all
    select f.org_id, 'ad_group', 'keyword', k.ad_group_id, f.date, f.currency, f.spend, f.clicks, f.impressions
    from ads.keyword_metrics_daily f
    join ads.keywords k on k.app = f.app and k.org_id = f.org_id and k.id = f.keyword_id
    where f.app = %(app)s and f.platform = %(platform)s and f.date between %(since)s and %(until)s
), summed as (
    select org_id, level, below, id, date, sum(spend) as spend, sum(clicks) as clicks, sum(impressions) as impressions,
        (count(*) + 1) * case when max(currency) = any(%(whole)s) then 1 else 0.01 end / 2 as rounding
    from lower
    group by org_id, level, below, id, date
)
select s.level, s.below, s.id, s.date, u.spend as upper_spend, s.spend as lower_spend, u.clicks as upper_clicks,
    s.clicks as lower_clicks, u.impressions as upper_impressions, s.impressions as lower_impressions
from summed s
left join upper u using (org_id, level, id, date)
where s.spend > coalesce(u.spend, 0) + s.rounding
   or s.clicks > coalesce(u.clicks, 0)
   or s.impressions > coalesce(u.impressions, 0)
order by s.date desc, s.level, s.below, s.id
limit 100

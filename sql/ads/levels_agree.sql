-- One row is a day on which the level below exceeds the one above, which cannot be: a campaign and its ad groups, an ad
-- group and its ads, or its keywords. The other way is right: not all that an ad group spends has a keyword, and not all
-- that a campaign spends has an ad group. Each row of spend may be rounded by half a coin.
-- Both levels are put under each other and grouped, because a join of the two sums becomes a nested loop where the tables
-- have no statistics yet.
-- Parameters: app, platform, since and until (both included), whole (currencies without a smaller coin than one).
with rows as (
    select f.org_id, 'campaign' as level, 'ad_group' as below, f.campaign_id as id, f.date, f.spend as upper_spend,
        f.clicks as upper_clicks, f.impressions as upper_impressions, null as currency, null::numeric as lower_spend,
        null::bigint as lower_clicks, null::bigint as lower_impressions
    from ads.campaign_metrics_daily f
    where f.app = %(app)s and f.platform = %(platform)s and f.date between %(since)s and %(until)s
    union all
    select f.org_id, 'ad_group', b.below, f.ad_group_id, f.date, f.spend, f.clicks, f.impressions, null, null, null, null
    from ads.ad_group_metrics_daily f
    cross join (values ('ad'), ('keyword')) as b (below)
    where f.app = %(app)s and f.platform = %(platform)s and f.date between %(since)s and %(until)s
    union all
    select f.org_id, 'campaign', 'ad_group', g.campaign_id, f.date, null, null, null, f.currency, f.spend, f.clicks,
        f.impressions
    from ads.ad_group_metrics_daily f
    join ads.ad_groups g on g.app = f.app and g.org_id = f.org_id and g.id = f.ad_group_id
    where f.app = %(app)s and f.platform = %(platform)s and f.date between %(since)s and %(until)s
    union all
    select f.org_id, 'ad_group', 'ad', a.ad_group_id, f.date, null, null, null, f.currency, f.spend, f.clicks, f.impressions
    from ads.ad_metrics_daily f
    join ads.ads a on a.app = f.app and a.org_id = f.org_id and a.id = f.ad_id
    where f.app = %(app)s and f.platform = %(platform)s and f.date between %(since)s and %(until)s
    union all
    select f.org_id, 'ad_group', 'keyword', k.ad_group_id, f.date, null, null, null, f.currency, f.spend, f.clicks,
        f.impressions
    from ads.keyword_metrics_daily f
    join ads.keywords k on k.app = f.app and k.org_id = f.org_id and k.id = f.keyword_id
    where f.app = %(app)s and f.platform = %(platform)s and f.date between %(since)s and %(until)s
), days as (
    select level, below, id, date, sum(upper_spend) as upper_spend, sum(lower_spend) as lower_spend,
        sum(upper_clicks) as upper_clicks, sum(lower_clicks) as lower_clicks,
        sum(upper_impressions) as upper_impressions, sum(lower_impressions) as lower_impressions,
        (count(lower_spend) + 1) * case when max(currency) = any(%(whole)s) then 1 else 0.01 end / 2 as rounding
    from rows
    group by org_id, level, below, id, date
)
select level, below, id, date, upper_spend, lower_spend, upper_clicks, lower_clicks, upper_impressions, lower_impressions
from days
where lower_spend > coalesce(upper_spend, 0) + rounding
   or lower_clicks > coalesce(upper_clicks, 0)
   or lower_impressions > coalesce(upper_impressions, 0)
order by date desc, level, below, id
limit 100

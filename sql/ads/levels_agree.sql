-- One row is a day on which two levels differ: a campaign and its ad groups, or an ad group and its keywords. Only days
-- on which the lower level has rows are compared, because shopping campaigns have no keywords.
-- Parameters: app, platform, since and until (both included).
with by_ad_group as (
    select g.org_id, g.campaign_id as id, f.date, sum(f.spend) as spend, sum(f.clicks) as clicks,
        sum(f.impressions) as impressions
    from ads.ad_group_metrics_daily f
    join ads.ad_groups g on g.app = f.app and g.org_id = f.org_id and g.id = f.ad_group_id
    where f.app = %(app)s and f.platform = %(platform)s and f.date between %(since)s and %(until)s
    group by g.org_id, g.campaign_id, f.date
), by_keyword as (
    select k.org_id, k.ad_group_id as id, f.date, sum(f.spend) as spend, sum(f.clicks) as clicks,
        sum(f.impressions) as impressions
    from ads.keyword_metrics_daily f
    join ads.keywords k on k.app = f.app and k.org_id = f.org_id and k.id = f.keyword_id
    where f.app = %(app)s and f.platform = %(platform)s and f.date between %(since)s and %(until)s
    group by k.org_id, k.ad_group_id, f.date
)
select 'campaign' as level, lower.id, lower.date, upper.spend as upper_spend, lower.spend as lower_spend
from by_ad_group lower
left join ads.campaign_metrics_daily upper
    on upper.app = %(app)s and upper.org_id = lower.org_id and upper.campaign_id = lower.id and upper.date = lower.date
where (upper.spend, upper.clicks, upper.impressions) is distinct from (lower.spend, lower.clicks, lower.impressions)
union all
select 'ad_group', lower.id, lower.date, upper.spend, lower.spend
from by_keyword lower
left join ads.ad_group_metrics_daily upper
    on upper.app = %(app)s and upper.org_id = lower.org_id and upper.ad_group_id = lower.id and upper.date = lower.date
where (upper.spend, upper.clicks, upper.impressions) is distinct from (lower.spend, lower.clicks, lower.impressions)
order by 3 desc, 1, 2
limit 100

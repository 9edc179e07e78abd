-- What is stored of each platform.
select
    a.platform,
    count(*) as accounts,
    string_agg(distinct a.currency, ' ' order by a.currency) as currencies,
    (select count(*) from ads.campaigns c where c.platform = a.platform) as campaigns,
    (select count(*) from ads.ad_groups g where g.platform = a.platform) as ad_groups,
    (select count(*) from ads.keywords k where k.platform = a.platform) as keywords,
    (select count(*) from ads.campaign_metrics_daily m where m.platform = a.platform)
    + (select count(*) from ads.ad_group_metrics_daily m where m.platform = a.platform)
    + (select count(*) from ads.keyword_metrics_daily m where m.platform = a.platform) as facts,
    (select count(*) from ads.restatements r where r.platform = a.platform) as restated
from ads.ad_accounts a
group by a.platform
order by a.platform

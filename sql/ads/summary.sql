-- One row is a platform, and how much of it is stored. Parameter: app.
select
    a.platform,
    count(*) as accounts,
    string_agg(distinct a.currency, ' ' order by a.currency) as currencies,
    (select count(*) from ads.campaigns c where c.app = a.app and c.platform = a.platform) as campaigns,
    (select count(*) from ads.ad_groups g where g.app = a.app and g.platform = a.platform) as ad_groups,
    (select count(*) from ads.ads d where d.app = a.app and d.platform = a.platform) as ads,
    (select count(*) from ads.keywords k where k.app = a.app and k.platform = a.platform) as keywords,
    (select count(*) from ads.campaign_metrics_daily m where m.app = a.app and m.platform = a.platform)
    + (select count(*) from ads.ad_group_metrics_daily m where m.app = a.app and m.platform = a.platform)
    + (select count(*) from ads.ad_metrics_daily m where m.app = a.app and m.platform = a.platform)
    + (select count(*) from ads.keyword_metrics_daily m where m.app = a.app and m.platform = a.platform) as facts,
    (select count(*) from ads.conversions_daily m where m.app = a.app and m.platform = a.platform) as conversions,
    (select count(*) from ads.restatements r where r.app = a.app and r.platform = a.platform) as restated
from ads.ad_accounts a
where a.app = %(app)s
group by a.app, a.platform
order by a.platform

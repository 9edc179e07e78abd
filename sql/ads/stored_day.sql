-- What is stored of a day, and the slice that it was merged from: in one statement, for a sync may be going on.
with latest as (
    select s.raw_prefix
    from ads.sync_slices s
    where s.connection_id = %(connection_id)s and s.stream = 'campaign_days' and s.state = 'merged'
      and s.since <= %(day)s and s.until >= %(day)s
    order by s.observed_at desc, s.finished_at desc
    limit 1
)
select
    latest.raw_prefix, f.campaign_id, f.impressions, f.clicks, f.spend, f.conversions, f.conversions_value
from latest
left join ads.campaign_metrics_daily f
    on f.org_id = %(org_id)s and f.platform = %(platform)s and f.account_id = %(account_id)s and f.date = %(day)s

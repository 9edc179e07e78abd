-- One row is a campaign's stored day, with the prefix of the slice that was merged last, and whether the platform lists
-- the campaign. One statement reads all, because a sync may run at the same time. Parameters: app, connection_id, org_id, platform, account_id, day.
with latest as (
    select s.raw_prefix
    from ads.sync_slices s
    where s.app = %(app)s and s.connection_id = %(connection_id)s and s.stream = 'campaign_days'
      and s.state = 'merged' and s.since <= %(day)s and s.until >= %(day)s
    order by s.observed_at desc, s.finished_at desc
    limit 1
)
select
    latest.raw_prefix, f.campaign_id, f.impressions, f.clicks, f.spend, f.conversions, f.conversions_value,
    exists (
        select from ads.listed_entities e
        where e.app = f.app and e.org_id = f.org_id and e.level = 'campaign' and e.id = f.campaign_id
    ) as is_listed
from latest
left join ads.campaign_metrics_daily f
    on f.app = %(app)s and f.org_id = %(org_id)s and f.platform = %(platform)s and f.account_id = %(account_id)s
    and f.date = %(day)s

-- Records what this load changes of days that were loaded as final before; one row is a campaign's day. Numbers counted
-- within other attribution windows are no restatement, because we asked for something else.
-- Parameters: app, run_id, connection_id, org_id, platform, account_id, stream and observed_at of the slice, and
-- currency, attribution.
with loaded as (
    select distinct on (i.entity_id, i.date) i.*
    from incoming i
    join window_days w on w.date = i.date
    order by i.entity_id, i.date, i.seq desc
), stored as (
    select f.*
    from ads.campaign_metrics_daily f
    join window_days w on w.date = f.date
    where f.app = %(app)s and f.org_id = %(org_id)s and f.platform = %(platform)s and f.account_id = %(account_id)s
)
insert into ads.restatements (
    app, org_id, platform, account_id, campaign_id, date, seen_at, sync_run_id, currency,
    impressions_before, impressions_after, clicks_before, clicks_after, spend_before, spend_after,
    conversions_before, conversions_after, conversions_value_before, conversions_value_after
)
select
    %(app)s, %(org_id)s, %(platform)s, %(account_id)s, coalesce(s.campaign_id, l.entity_id), coalesce(s.date, l.date),
    %(observed_at)s, %(run_id)s, %(currency)s,
    s.impressions, l.impressions, s.clicks, l.clicks, s.spend, l.spend,
    s.conversions, l.conversions, s.conversions_value, l.conversions_value
from stored s
full join loaded l on l.entity_id = s.campaign_id and l.date = s.date
where (
    s.is_final
    and (
        l.entity_id is not null
        or exists (select from absent a where a.is_zero and a.entity_id = s.campaign_id and a.date = s.date)
    )
    and s.attribution_window = %(attribution)s
    and (s.impressions, s.clicks, s.spend, s.conversions, s.conversions_value)
        is distinct from (l.impressions, l.clicks, l.spend, l.conversions, l.conversions_value)
) or (
    s.campaign_id is null
    and exists (
        select from ads.sync_slices earlier
        where earlier.app = %(app)s and earlier.connection_id = %(connection_id)s and earlier.stream = %(stream)s
          and earlier.state = 'merged'
          and earlier.until >= l.date and earlier.since <= l.date and earlier.final_until >= l.date
    )
)

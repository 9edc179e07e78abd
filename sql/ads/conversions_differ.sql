-- One row is a day of an entity whose conversions are not the sum of the actions that count. Days of an account of which
-- no action is stored are left out: they were loaded before actions were. Parts of a conversion are rounded each.
-- Parameters: app, platform, since and until (both included).
with facts as (
    select org_id, account_id, 'campaign' as level, campaign_id as entity_id, date, conversions
    from ads.campaign_metrics_daily
    where app = %(app)s and platform = %(platform)s and date between %(since)s and %(until)s
    union all
    select org_id, account_id, 'ad_group', ad_group_id, date, conversions
    from ads.ad_group_metrics_daily
    where app = %(app)s and platform = %(platform)s and date between %(since)s and %(until)s
    union all
    select org_id, account_id, 'ad', ad_id, date, conversions
    from ads.ad_metrics_daily
    where app = %(app)s and platform = %(platform)s and date between %(since)s and %(until)s
    union all
    select org_id, account_id, 'keyword', keyword_id, date, conversions
    from ads.keyword_metrics_daily
    where app = %(app)s and platform = %(platform)s and date between %(since)s and %(until)s
), stored as (
    select org_id, account_id, level, entity_id, date, coalesce(sum(count) filter (where is_counted), 0) as conversions,
        count(*) as rows
    from ads.conversions_daily
    where app = %(app)s and platform = %(platform)s and date between %(since)s and %(until)s
    group by org_id, account_id, level, entity_id, date
)
select f.level, f.entity_id, f.date, f.conversions, coalesce(s.conversions, 0) as of_actions
from facts f
left join stored s using (org_id, account_id, level, entity_id, date)
where abs(f.conversions - coalesce(s.conversions, 0)) > 0.00001 * (1 + coalesce(s.rows, 0))
  and exists (
    select from stored known
    where known.org_id = f.org_id and known.account_id = f.account_id and known.level = f.level and known.date = f.date
  )
order by f.date desc, f.level, f.entity_id
limit 100

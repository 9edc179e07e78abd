-- One row is a day of an entity whose conversions are not the sum of the actions that count. Days of an account of which
-- no action is stored are left out: they were loaded before actions were. Parts of a conversion are rounded each.
-- Facts and actions are put under each other and grouped, because a join of the two sums becomes a nested loop where the
-- tables have no statistics yet: on the day of the first load it took minutes in the place of milliseconds.
-- Parameters: app, platform, since and until (both included).
with rows as (
    select org_id, account_id, 'campaign' as level, campaign_id as entity_id, date, conversions, null::numeric as of_action
    from ads.campaign_metrics_daily
    where app = %(app)s and platform = %(platform)s and date between %(since)s and %(until)s
    union all
    select org_id, account_id, 'ad_group', ad_group_id, date, conversions, null
    from ads.ad_group_metrics_daily
    where app = %(app)s and platform = %(platform)s and date between %(since)s and %(until)s
    union all
    select org_id, account_id, 'ad', ad_id, date, conversions, null
    from ads.ad_metrics_daily
    where app = %(app)s and platform = %(platform)s and date between %(since)s and %(until)s
    union all
    select org_id, account_id, 'keyword', keyword_id, date, conversions, null
    from ads.keyword_metrics_daily
    where app = %(app)s and platform = %(platform)s and date between %(since)s and %(until)s
    union all
    select org_id, account_id, level, entity_id, date, null, case when is_counted then count else 0 end
    from ads.conversions_daily
    where app = %(app)s and platform = %(platform)s and date between %(since)s and %(until)s
), days as (
    select level, entity_id, date, sum(conversions) as conversions, coalesce(sum(of_action), 0) as of_actions,
        count(of_action) as actions, sum(count(of_action)) over (partition by org_id, account_id, level, date) as stored
    from rows
    group by org_id, account_id, level, entity_id, date
)
select level, entity_id, date, conversions, of_actions
from days
where stored > 0 and abs(conversions - of_actions) > 0.00001 * (1 + actions)
order by date desc, level, entity_id
limit 100

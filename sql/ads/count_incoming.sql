-- Replaces the conversions in `incoming` by those that count by the connection's own setting, and puts in the days that
-- have nothing else; one row is an entity's day. Parameters: app, org_id, platform, account_id, level.
with counted as (
    select c.entity_id, c.date, sum(c.count) as count, sum(c.value) as value
    from ads.conversions_daily c
    join window_days w on w.date = c.date
    where c.app = %(app)s and c.org_id = %(org_id)s and c.platform = %(platform)s and c.account_id = %(account_id)s
      and c.level = %(level)s and c.is_counted
      and not exists (select from absent a where a.entity_id = c.entity_id and a.date = c.date and not a.is_zero)
    group by c.entity_id, c.date
), changed as (
    update incoming i
    set conversions = coalesce(c.count, 0), conversions_value = coalesce(c.value, 0)
    from (select entity_id, date from incoming) as own
    left join counted c using (entity_id, date)
    where i.entity_id = own.entity_id and i.date = own.date
), named as (
    delete from absent a using counted c where a.entity_id = c.entity_id and a.date = c.date
)
insert into incoming (entity_id, date, impressions, clicks, spend, conversions, conversions_value, segments)
select c.entity_id, c.date, 0, 0, 0, c.count, c.value, ''
from counted c
where not exists (select from incoming i where i.entity_id = c.entity_id and i.date = c.date)

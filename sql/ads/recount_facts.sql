-- Writes the conversions of an account's facts again where others of its actions count now; one row is an entity's day.
-- Days of which no action is stored stay as they are. Parameters: app, org_id, platform, account_id, level.
-- Names: the table of the level's facts, its key column.
update {facts} f
set conversions = c.count, conversions_value = c.value
from (
    select entity_id, date, coalesce(sum(count) filter (where is_counted), 0) as count,
        coalesce(sum(value) filter (where is_counted), 0) as value
    from ads.conversions_daily
    where app = %(app)s and org_id = %(org_id)s and platform = %(platform)s and account_id = %(account_id)s
      and level = %(level)s
    group by entity_id, date
) c
where f.app = %(app)s and f.org_id = %(org_id)s and f.{key} = c.entity_id and f.date = c.date
  and (f.conversions, f.conversions_value) is distinct from (c.count, c.value)

-- Deletes the conversions of the window's days that the platform no longer gives, but none of the days that are kept.
-- Parameters: app, org_id, platform, account_id, level.
delete from ads.conversions_daily c
using window_days w
where c.app = %(app)s and c.date = w.date and c.org_id = %(org_id)s and c.platform = %(platform)s
  and c.account_id = %(account_id)s and c.level = %(level)s
  and not exists (
    select from incoming_conversions i
    where i.entity_id = c.entity_id and i.date = c.date and i.action = c.action
      and i.attribution_window = c.attribution_window
  )
  and not exists (
    select from absent a where a.entity_id = c.entity_id and a.date = c.date and not a.is_zero
  )

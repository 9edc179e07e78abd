-- Deletes the facts of the window's days that the platform no longer gives. A fact that is gone is worth nothing.
-- Parameters: app, org_id, platform, account_id. Names: the table of the level's facts, its key column.
delete from {facts} f
using window_days w
where f.app = %(app)s and f.date = w.date and f.org_id = %(org_id)s and f.platform = %(platform)s
  and f.account_id = %(account_id)s
  and not exists (select from incoming i where i.entity_id = f.{key} and i.date = f.date)

-- The window is replaced: a row that the platform no longer gives is worth nothing, and goes.
delete from {facts} f
using window_days w
where f.date = w.date and f.org_id = %(org_id)s and f.platform = %(platform)s and f.account_id = %(account_id)s
  and not exists (select from incoming i where i.entity_id = f.{key} and i.date = f.date)

-- One row is an action that a connection names and that no conversion of its account has.
-- Parameters: app, org_id, platform, account_id, actions.
select named.action
from unnest(%(actions)s::text[]) as named (action)
where not exists (
    select from ads.conversions_daily c
    where c.app = %(app)s and c.org_id = %(org_id)s and c.platform = %(platform)s and c.account_id = %(account_id)s
      and named.action in (c.action, c.label)
)

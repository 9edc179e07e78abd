-- Records which actions count in the rows of an account, where that changed; the number of rows says whether.
-- Parameters: app, org_id, platform, account_id, actions, alternatives, places, windows.
update ads.ad_accounts a
set counted_actions = jsonb_build_object(
    'actions', %(actions)s::text[], 'alternatives', %(alternatives)s::integer[], 'places', %(places)s::integer[],
    'windows', %(windows)s::text[]
)
where a.app = %(app)s and a.org_id = %(org_id)s and a.platform = %(platform)s and a.account_id = %(account_id)s
  and a.counted_actions is distinct from jsonb_build_object(
    'actions', %(actions)s::text[], 'alternatives', %(alternatives)s::integer[], 'places', %(places)s::integer[],
    'windows', %(windows)s::text[]
  )

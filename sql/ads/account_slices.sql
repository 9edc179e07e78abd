-- One row is where a slice of one account of an organisation was staged. Parameters: app, org_id, platform, account_id.
select distinct raw_prefix
from ads.sync_slices
where app = %(app)s and org_id = %(org_id)s and platform = %(platform)s and account_id = %(account_id)s

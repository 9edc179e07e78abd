-- One row is an account of an organisation of which something is stored. Parameter: app.
select org_id, platform, account_id
from ads.ad_accounts
where app = %(app)s
order by org_id, platform, account_id

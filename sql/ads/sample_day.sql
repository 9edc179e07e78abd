-- One row, at random: a merged slice of campaign days with a final day to compare with its platform.
-- Parameters: app, platform, recent (only slices observed since then).
select s.connection_id, s.account_id, s.org_id, s.since, s.final_until, s.observed_at, a.currency
from ads.sync_slices s
join ads.ad_accounts a
    on a.app = s.app and a.org_id = s.org_id and a.platform = s.platform and a.account_id = s.account_id
where s.app = %(app)s and s.platform = %(platform)s and s.stream = 'campaign_days' and s.state = 'merged'
  and s.final_until >= s.since and s.observed_at >= %(recent)s
order by random()
limit 1

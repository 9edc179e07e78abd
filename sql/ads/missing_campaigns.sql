-- Parents of ad groups that no list has shown: begun between two requests, or never listed.
insert into ads.campaigns (org_id, id, platform, account_id, native_id, name, currency, updated_at, last_seen_run_id)
select distinct
    i.org_id, i.campaign_id, i.platform, i.account_id, split_part(i.campaign_id, ':', 3),
    split_part(i.campaign_id, ':', 3), i.currency, i.updated_at, i.last_seen_run_id
from incoming i
on conflict (org_id, id) do nothing

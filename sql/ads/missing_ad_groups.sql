-- Parents of keywords that no list has shown: begun between two requests, or never listed.
with parents as (
    insert into ads.campaigns (
        org_id, id, platform, account_id, native_id, name, currency, updated_at, last_seen_run_id
    )
    select distinct
        i.org_id, i.campaign_id, i.platform, i.account_id, split_part(i.campaign_id, ':', 3),
        split_part(i.campaign_id, ':', 3), i.currency, i.updated_at, i.last_seen_run_id
    from incoming i
    on conflict (org_id, id) do nothing
)
insert into ads.ad_groups (
    org_id, id, campaign_id, platform, account_id, native_id, name, currency, updated_at, last_seen_run_id
)
select distinct on (i.org_id, i.ad_group_id)
    i.org_id, i.ad_group_id, i.campaign_id, i.platform, i.account_id, split_part(i.ad_group_id, ':', 3),
    split_part(i.ad_group_id, ':', 3), i.currency, i.updated_at, i.last_seen_run_id
from incoming i
on conflict (org_id, id) do nothing

-- Inserts the ad groups and campaigns of incoming ads or keywords that no list has shown: they are newer than the list,
-- or the platform lists no deleted ones. Parameters: app, currency.
with parents as (
    insert into ads.campaigns (
        app, org_id, id, platform, account_id, native_id, name, currency, updated_at, last_seen_run_id
    )
    select distinct
        %(app)s, i.org_id, i.campaign_id, i.platform, i.account_id, split_part(i.campaign_id, ':', 3),
        split_part(i.campaign_id, ':', 3), %(currency)s, i.updated_at, i.last_seen_run_id
    from listed i
    on conflict (app, org_id, id) do nothing
)
insert into ads.ad_groups (
    app, org_id, id, campaign_id, platform, account_id, native_id, name, currency, updated_at, last_seen_run_id
)
select distinct on (i.org_id, i.ad_group_id)
    %(app)s, i.org_id, i.ad_group_id, i.campaign_id, i.platform, i.account_id, split_part(i.ad_group_id, ':', 3),
    split_part(i.ad_group_id, ':', 3), %(currency)s, i.updated_at, i.last_seen_run_id
from listed i
on conflict (app, org_id, id) do nothing

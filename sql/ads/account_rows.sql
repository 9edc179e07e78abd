-- One row: how many campaigns and days of campaigns are stored of one account of an organisation.
-- Parameters: app, org_id, platform, account_id.
select
    (
        select count(*) from ads.campaigns
        where app = %(app)s and org_id = %(org_id)s and platform = %(platform)s and account_id = %(account_id)s
    ) as campaigns,
    (
        select count(*) from ads.campaign_metrics_daily
        where app = %(app)s and org_id = %(org_id)s and platform = %(platform)s and account_id = %(account_id)s
    ) as campaign_days

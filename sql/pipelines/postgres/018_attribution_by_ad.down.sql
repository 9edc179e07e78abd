-- Adds up the credits of each campaign's ads, and forgets the ads.
drop view attribution.daily_ads;
alter table attribution.credits drop constraint credits_pkey;
with taken as (
    delete from attribution.credits returning *
)
insert into attribution.credits (
    day, org_tag, account_day, platform, account_id, campaign_id, reason, visits, first_conversions, last_conversions,
    linear_conversions, first_revenue, last_revenue, linear_revenue, app
)
select day, org_tag, account_day, platform, account_id, campaign_id, reason, sum(visits), sum(first_conversions),
    sum(last_conversions), sum(linear_conversions), sum(first_revenue), sum(last_revenue), sum(linear_revenue), app
from taken
group by day, org_tag, account_day, platform, account_id, campaign_id, reason, app;
alter table attribution.credits drop column ad_id;
alter table attribution.credits add constraint credits_pkey
    primary key (app, day, org_tag, account_day, platform, account_id, campaign_id, reason);
alter table attribution.clicks drop column ad_id;
drop index attribution.touches_by_content;
alter table attribution.touches drop column ad_id, drop column utm_content;
drop table attribution.ad_labels;

-- Forgets which ads brought what.
drop view attribution.daily_ads;
alter table attribution.credits drop constraint credits_pkey;
alter table attribution.credits drop column ad_id;
alter table attribution.credits add constraint credits_pkey
    primary key (app, day, org_tag, account_day, platform, account_id, campaign_id, reason);
alter table attribution.clicks drop column ad_id;
drop index attribution.touches_by_content;
alter table attribution.touches drop column ad_id, drop column utm_content;
drop table attribution.ad_labels;

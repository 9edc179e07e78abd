-- Forgets ads, creatives and conversions by action.
drop view ads.listed_entities;
drop view ads.creative_metrics_daily;
drop view ads.creatives;
drop view ads.ad_totals;
alter table ads.ad_accounts drop column counted_actions;
drop table ads.conversions_daily;
drop table ads.ad_metrics_daily;
drop table ads.ads;

drop schema sessions cascade;
drop table rollups.weekly, rollups.weekly_totals, rollups.weekly_pages, rollups.weekly_sources, rollups.weekly_campaigns;
drop table rollups.monthly, rollups.monthly_totals, rollups.monthly_pages, rollups.monthly_sources,
    rollups.monthly_campaigns;
delete from rollups.windows where grain not in ('hourly', 'daily');
alter table rollups.windows drop column pending;

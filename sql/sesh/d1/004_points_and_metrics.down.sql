drop table metrics_monthly;

drop table metrics_weekly;

drop table metrics_daily;

drop table stale_metrics;

drop table job_places;

drop table point_quarantine;

drop table point_objects;

-- The partitions themselves stay: they are the users' sessions, and no statement here knows their names. They can be
-- read, and written again once the registry is there: the making of partitions takes the tables that it finds.
drop view if exists sessions;

drop view if exists points;

drop view if exists metrics;

drop table partition_families;

drop table partitions;

drop table cache.access_refusals;
drop table cache.access_objects;
drop table cache.reads;
alter table cache.entries drop column tenant;

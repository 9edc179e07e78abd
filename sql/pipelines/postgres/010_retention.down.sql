alter table attribution.windows drop column pruned;
alter table sessions.windows drop column pruned;
drop schema retention cascade;

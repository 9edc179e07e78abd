-- Refused where anybody was erased since, because their tombstones are keyed and the secret would go.
alter table archive.tombstones drop column keyed;
drop schema privacy cascade;

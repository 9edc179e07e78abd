-- One row: n, how many people of all apps were erased.
select count(*) as n from archive.tombstones

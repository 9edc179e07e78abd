-- Counts up the version of the series ?1, if it is still ?2; else the NULL makes the batch fail. One row.
update partition_families
set version = case when version = ?2 then version + 1 end
where family = ?1

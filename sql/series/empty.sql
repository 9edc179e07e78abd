-- In one transaction with the drop: NULL, which the registry refuses, where the table has a row.
update partition_families
set version = case when not exists (select 1 from $table) then version end
where family = ?1

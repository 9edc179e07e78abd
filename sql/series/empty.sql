-- Fails (NULL is refused) if the partition $table of the series ?1 has a row. The drop of the table follows in the same
-- transaction.
update partition_families
set version = case when not exists (select 1 from $table) then version end
where family = ?1

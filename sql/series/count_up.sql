update partition_families
set version = case when version = ?2 then version + 1 end
where family = ?1

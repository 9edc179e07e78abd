-- One row if a key is wanted twice, which is an error of its family.
select key from cache_wanted group by key having count(*) > 1 limit 1

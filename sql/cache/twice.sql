select key from cache_wanted group by key having count(*) > 1 limit 1

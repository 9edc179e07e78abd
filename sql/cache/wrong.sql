-- One row per key that KV does not hold as the index says.
select key from cache_judged where outcome <> 'held'

-- Adds the reads and hits of cache_counted to those of an app (namespace): one row per family, key and day.
insert into cache.reads (namespace, family, key, day, reads, hits)
select %(namespace)s, family, key, day, reads, hits from cache_counted
on conflict (namespace, family, key, day) do update
set reads = reads.reads + excluded.reads,
    hits = reads.hits + excluded.hits

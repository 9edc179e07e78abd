-- Adds the reads that were counted to those of the namespace, one row a key and day.
insert into cache.reads (namespace, family, key, day, reads, hits)
select %(namespace)s, family, key, day, reads, hits from cache_counted
on conflict (namespace, family, key, day) do update
set reads = reads.reads + excluded.reads,
    hits = reads.hits + excluded.hits

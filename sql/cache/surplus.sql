-- One row per key in KV that fits a template of the family and is in no index. Parameters: namespace (the app's name),
-- family.
select found.key
from cache_found as found
where
    found.family = %(family)s
    and not exists (
        select from cache.entries where entries.namespace = %(namespace)s and entries.key = found.key
    )

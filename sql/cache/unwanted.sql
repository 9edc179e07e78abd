-- One row a key to delete: keys of the family that are not wanted any more, and keys that hold a value of another
-- tenant and are not written now. Parameters: namespace, family, tenants (only the keys of these; null for all).
select entries.key
from cache.entries
where
    entries.namespace = %(namespace)s and entries.family = %(family)s
    and (%(tenants)s::text[] is null or entries.tenant = any(%(tenants)s::text[]))
    and not exists (select from cache_wanted as wanted where wanted.key = entries.key)
union all
select key from cache_due where moved and not chosen

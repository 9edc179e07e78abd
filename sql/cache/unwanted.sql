-- Keys of the family that nobody wants any more, and those that hold another tenant's value and are not written now.
select entries.key
from cache.entries
where
    entries.namespace = %(namespace)s and entries.family = %(family)s
    and not exists (select from cache_wanted as wanted where wanted.key = entries.key)
union all
select key from cache_due where moved and not chosen

-- Pages before the key that tells of them.
select key, page_of, tenant, hash, bytes, position
from cache_due
where chosen
order by reads desc, events desc, page_of, key = page_of, key

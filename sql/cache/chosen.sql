-- One row a key that is admitted, most wanted first. The pages of a key come before the key that refers to them.
select key, page_of, tenant, hash, bytes, position
from cache_due
where chosen
order by reads desc, events desc, page_of, key = page_of, key

-- One row an organisation (org_tag) of which an app (app) has the keys of a family (family) in KV, by the index.
select distinct tenant as org_tag
from cache.entries
where namespace = %(app)s and family = %(family)s and tenant <> ''
order by org_tag

-- Entities that have facts and are on no list of the platform's.
select distinct i.entity_id
from incoming i
where not exists (select from {entities} e where e.org_id = %(org_id)s and e.id = i.entity_id)

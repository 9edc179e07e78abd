-- One row is an entity that has facts in the slice and is on no list of the platform's. Parameters: app, org_id.
-- Name: the table of the level's entities.
select distinct i.entity_id
from incoming i
where not exists (
    select from {entities} e where e.app = %(app)s and e.org_id = %(org_id)s and e.id = i.entity_id
)

-- One row is a day that is kept although the platform may still list its entity, because no list is of the same run.
-- Parameters: app, org_id, level.
select a.entity_id, a.date
from absent a
join ads.listed_entities e
    on e.app = %(app)s and e.org_id = %(org_id)s and e.level = %(level)s and e.id = a.entity_id
where not a.is_zero

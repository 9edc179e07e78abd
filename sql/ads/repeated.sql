-- Gives a row where `incoming` has an entity's day more than once.
select from incoming group by entity_id, date having count(*) > 1 limit 1

-- One row an item of a category that the caller may see: approved, at an event that is published or theirs. A page in the
-- order of ids.
-- Caller: ?1. Parameters: ?2 category text, ?3 after_id integer (0 for the first page), ?4 most integer.
select
    inventory_items.id, inventory_items.event_id, inventory_items.name, inventory_items.size,
    inventory_items.price, inventory_items.condition
from inventory_items
inner join events on inventory_items.event_id = events.id
where
    inventory_items.category = ?2
    and inventory_items.status = 'approved'
    and inventory_items.id > ?3
    and (events.status = 'published' or events.user_id = ?1)
order by inventory_items.id
limit ?4

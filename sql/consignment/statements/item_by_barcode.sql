-- One row: the item with a barcode at an event that the caller organises.
-- Caller: ?1. Parameters: ?2 event_id integer, ?3 barcode text.
select inventory_items.id, inventory_items.name, inventory_items.price, inventory_items.status
from inventory_items
inner join events on inventory_items.event_id = events.id
where inventory_items.event_id = ?2 and inventory_items.barcode = ?3 and events.user_id = ?1

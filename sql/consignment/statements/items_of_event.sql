-- One row an item of an event that the caller organises, by consignor.
-- Caller: ?1. Parameters: ?2 event_id integer.
select
    inventory_items.id, inventory_items.user_id, inventory_items.name, inventory_items.price,
    inventory_items.status, inventory_items.barcode, inventory_items.dropped_off_at
from events
inner join inventory_items on events.id = inventory_items.event_id
where events.id = ?2 and events.user_id = ?1
order by inventory_items.user_id, inventory_items.id

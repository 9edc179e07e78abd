-- One row an item whose event is not there.
select inventory_items.id
from inventory_items
left join events on inventory_items.event_id = events.id
where events.id is null

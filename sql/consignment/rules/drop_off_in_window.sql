-- One row an item that was handed in before drop-off of its event opened, or after it had closed.
select inventory_items.id
from inventory_items
inner join events on inventory_items.event_id = events.id
where
    inventory_items.dropped_off_at < events.drop_off_start
    or inventory_items.dropped_off_at >= events.drop_off_end

-- One row an item with all the words that the caller may see, best first: their own, those of events that they organise,
-- and approved ones of published events.
-- Caller: ?1. Parameters: ?2 words text (each word in double quotes, because FTS5 has operators), ?3 most integer.
select
    inventory_items.id, inventory_items.event_id, inventory_items.name, inventory_items.category,
    inventory_items.price, inventory_items.status
from item_search
inner join inventory_items on item_search.rowid = inventory_items.id
inner join events on inventory_items.event_id = events.id
where
    item_search match ?2
    and (
        inventory_items.user_id = ?1
        or events.user_id = ?1
        or (inventory_items.status = 'approved' and events.status = 'published')
    )
order by item_search.rank, inventory_items.id
limit ?3

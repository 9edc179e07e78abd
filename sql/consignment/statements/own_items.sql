-- One row an item of the caller's, a page in the order of their ids.
-- Caller: ?1. Parameters: ?2 after_id integer (0 for the first page), ?3 most integer.
select
    id, event_id, name, description, category, size, price, condition, status, barcode, dropped_off_at
from inventory_items
where user_id = ?1 and id > ?2
order by id
limit ?3

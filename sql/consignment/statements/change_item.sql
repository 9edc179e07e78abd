-- One row: the id of an item of the caller's that now has these values; none where it is not theirs, or was looked at.
-- Caller: ?1. Parameters: ?2 id integer, ?3 name text, ?4 description text or null, ?5 category text,
-- ?6 size text or null, ?7 price real, ?8 condition text, ?9 now text.
update inventory_items
set name = ?3, description = ?4, category = ?5, size = ?6, price = ?7, condition = ?8, updated_at = ?9
where id = ?2 and user_id = ?1 and status = 'pending'
returning id

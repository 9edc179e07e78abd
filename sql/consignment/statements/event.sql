-- One row: an event that the caller may see: their own, or one that is or was open to all.
-- Caller: ?1. Parameters: ?2 id integer.
select
    id, name, description, start_date, end_date, location, max_consignors,
    drop_off_start, drop_off_end, pick_up_start, pick_up_end, status
from events
where id = ?2 and (user_id = ?1 or status <> 'draft')

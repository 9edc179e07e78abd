-- One row an event that the caller organises, by its start.
-- Caller: ?1.
select id, name, start_date, end_date, max_consignors, status
from events
where user_id = ?1
order by start_date, name

-- One row: the id of an item that now has the status; none where the caller does not organise its published event, or
-- where no way leads there from the status that it has. Only what was handed in can be sold.
-- Caller: ?1. Parameters: ?2 id integer, ?3 status text, ?4 now text.
update inventory_items
set status = ?3, updated_at = ?4
where
    id = ?2
    and (status, ?3) in (
        values ('pending', 'approved'), ('pending', 'rejected'), ('approved', 'sold'), ('approved', 'returned')
    )
    and (?3 <> 'sold' or dropped_off_at is not null)
    and exists (
        select 1 from events
        where events.id = inventory_items.event_id and events.user_id = ?1 and events.status = 'published'
    )
returning id

-- One row: the id of an item that was handed in now; none where the caller does not organise its event, where drop-off is
-- not open now, or where it was handed in before.
-- Caller: ?1. Parameters: ?2 id integer, ?3 now text.
update inventory_items
set dropped_off_at = ?3, updated_at = ?3
where
    id = ?2
    and dropped_off_at is null
    and exists (
        select 1 from events
        where
            events.id = inventory_items.event_id
            and events.user_id = ?1
            and events.drop_off_start <= ?3
            and ?3 < events.drop_off_end
    )
returning id

-- One row: the id of a new item of the caller's; none where they are no consignor, where the event is not published or is
-- full, or where an item of the event has this barcode.
-- Caller: ?1. Parameters: ?2 event_id integer, ?3 name text, ?4 description text or null, ?5 category text,
-- ?6 size text or null, ?7 price real, ?8 condition text, ?9 barcode text or null, ?10 now text.
insert into inventory_items (
    user_id, event_id, name, description, category, size, price, condition, barcode, created_at, updated_at
)
select ?1, events.id, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10
from events
inner join consignors on consignors.user_id = ?1
where
    events.id = ?2
    and events.status = 'published'
    and (
        exists (select 1 from inventory_items as own where own.event_id = ?2 and own.user_id = ?1)
        or (
            select count(distinct others.user_id) from inventory_items as others where others.event_id = ?2
        ) < events.max_consignors
    )
on conflict (event_id, barcode) where barcode is not null do nothing
returning id

-- One row: the id of a new draft that the caller organises; none where they have one of this name and start.
-- Caller: ?1. Parameters: ?2 name text, ?3 description text or null, ?4 start_date text, ?5 end_date text,
-- ?6 location text, ?7 max_consignors integer, ?8 drop_off_start text, ?9 drop_off_end text, ?10 pick_up_start text,
-- ?11 pick_up_end text, ?12 now text.
insert into events (
    user_id, name, description, start_date, end_date, location, max_consignors,
    drop_off_start, drop_off_end, pick_up_start, pick_up_end, created_at, updated_at
)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12)
on conflict (user_id, start_date, name) do nothing
returning id

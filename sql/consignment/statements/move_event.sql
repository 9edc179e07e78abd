-- One row: the id of an event of the caller's that now has the status; none where it is not theirs, or where no way leads
-- there from the status that it has.
-- Caller: ?1. Parameters: ?2 id integer, ?3 status text, ?4 now text.
update events
set status = ?3, updated_at = ?4
where
    id = ?2
    and user_id = ?1
    and (status, ?3) in (
        values ('draft', 'published'), ('draft', 'cancelled'), ('published', 'cancelled'), ('published', 'completed')
    )
returning id

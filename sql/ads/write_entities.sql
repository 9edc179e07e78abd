-- Writes new and changed entities of a slice, and gives how many of either; equal ones are only read, because an upsert
-- whose WHERE is false would lock, and so write, them. Parameter: app. Names: the table; all of its columns; those that
-- a later list may change, as they are stored, as they were loaded, and as assignments.
with loaded as (
    select distinct on (id) * from listed order by id, seq desc
), written as (
    insert into {entities} as e (app, {columns})
    select %(app)s, {columns}
    from loaded l
    where not exists (
        select from {entities} stored
        where stored.app = %(app)s and stored.org_id = l.org_id and stored.id = l.id
          and ({stored}, stored.deleted_at is null) is not distinct from ({loaded}, l.deleted_at is null)
    )
    on conflict (app, org_id, id) do update
    set {assignments},
        updated_at = excluded.updated_at,
        -- Deleted since it was first seen so.
        deleted_at = case
            when excluded.deleted_at is not null then coalesce(e.deleted_at, excluded.deleted_at)
        end,
        last_seen_run_id = excluded.last_seen_run_id
    returning e.xmax = 0 as inserted
)
select count(*) filter (where inserted) as inserted, count(*) filter (where not inserted) as updated from written

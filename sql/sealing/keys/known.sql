-- One row a key: since when it is known, since when nothing live refers to it, and how many values it sealed.
-- Parameters: none.
select key_id, first_seen_at, unreferenced_since, retired_at, seals from sealing.keys order by key_id

-- One row: a request ?1 with its state ?2, why ?3, at ?4, the ZIP ?5, and the URL ?6 that reads it until ?7 (each null
-- where there is none). Whom it means is emptied.
update export_requests
set subject = null, state = ?2, why = ?3, changed_at = ?4, object_key = ?5, url = ?6, expires_at = ?7
where id = ?1

-- One row: a request (id) with its state, why, at, the ZIP (object_key), and the url that reads it until expires_at (each
-- null where there is none). Whom it means is emptied.
update pipelines.export_requests
set
    subject = null,
    state = %(state)s,
    why = %(why)s,
    changed_at = %(at)s,
    object_key = %(object_key)s,
    url = %(url)s,
    expires_at = %(expires_at)s
where id = %(id)s

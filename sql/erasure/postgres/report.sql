-- One row: a request (id) with its state, why, at. Whom it means is emptied. None where all is so already.
update pipelines.erasure_requests
set subject = null, state = %(state)s, why = %(why)s, changed_at = %(at)s
where id = %(id)s and (state <> %(state)s or why <> %(why)s or subject is not null)

-- One row: a request ?1 with its state ?2, why ?3, at ?4. Whom it means is emptied. None where all is so already.
update erasure_requests
set subject = null, state = ?2, why = ?3, changed_at = ?4
where id = ?1 and (state <> ?2 or why <> ?3 or subject is not null)

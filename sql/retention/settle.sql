update retention.deletions
set rows = %(rows)s,
    bytes = %(bytes)s,
    settled_at = %(at)s
where id = %(id)s and settled_at is null
